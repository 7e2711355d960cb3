"""A short unit said over and over in a request: another way to make a model diverge, and to fill its context.

Theory of operation. A run of period p is a text that equals itself shifted by p. At one place in `BLOCK` characters it
is looked where the next `LONGEST_UNIT` characters stand again; within a run that is its smallest period later, and one
comparison tells whether the run goes on. A run of `LONGEST_RUN` and two blocks more is always found; time is linear in
the text.
"""

from __future__ import annotations

from typing import Final

# Characters. A unit is a word or a short sentence; tables, rulers and rows of equal lines are shorter than a run.
LONGEST_UNIT: Final = 64
LONGEST_RUN: Final = 2048
BLOCK: Final = 4 * LONGEST_UNIT


def is_repeated(text: str) -> bool:
    """Whether a unit of at most `LONGEST_UNIT` characters repeats for more than `LONGEST_RUN`."""
    for start in range(0, len(text) - LONGEST_RUN, BLOCK):
        period = text.find(text[start : start + LONGEST_UNIT], start + 1, start + 2 * LONGEST_UNIT) - start
        if period > 0:
            end = start + LONGEST_RUN
            if text[start:end] == text[start + period : end + period]:
                return True
    return False
