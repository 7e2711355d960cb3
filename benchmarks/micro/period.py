"""period: a clean answer that is looked through for endless repetition, beside the oracle."""

from __future__ import annotations

from benchmarks.micro.timing import Case, Contender
from benchmarks.redaction.texts import english
from engine._fast import period
from tests.fast.oracles import period as oracle


def cases() -> list[Case]:
    """As the rule asks."""
    text = english(4096)
    return [
        Case(
            "period: blocks of a clean answer of 4 KB",
            [
                Contender(way, "find(text, 0, 384, 128, 64)", {"find": module.periodic_block, "text": text})
                for way, module in (("kernel", period), ("oracle", oracle))
            ],
        )
    ]
