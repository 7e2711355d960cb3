"""The policy file as the supervisor watches it.

Rules. Content counts, not the time stamp. A change is reported when two polls in a row have read the same new content:
half of a file that is just being written may be valid YAML, with its limits missing. A file that is gone, or cannot be
read, or is longer than any policy, changes nothing and is said once.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

# Far above any policy, and a bound for a path that names something else.
LONGEST: Final = 16 * 1024 * 1024


class PolicyFile:
    """Reads the file at `path`. `text` is what was last returned by `read` or `poll`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""
        self._candidate: str | None = None
        self._problem: str | None = None

    def read(self) -> str:
        """The content now. Raises OSError; ValueError where it is not UTF-8 or longer than LONGEST bytes."""
        self.text = self._content()
        self._candidate = None
        return self.text

    def poll(self) -> str | None:
        """New content, once it has come to rest; otherwise None."""
        try:
            content = self._content()
        except (OSError, ValueError) as error:
            if self._problem != str(error):
                self._problem = str(error)
                log.error("the policy file cannot be read, the policy in force stays: %s", error)
            self._candidate = None
            return None
        self._problem = None
        if content == self.text:
            self._candidate = None
            return None
        if content != self._candidate:
            self._candidate = content
            return None
        self._candidate = None
        self.text = content
        return content

    def _content(self) -> str:
        with self.path.open("rb") as file:
            raw = file.read(LONGEST + 1)
        if len(raw) > LONGEST:
            raise ValueError(f"{self.path}: longer than {LONGEST} bytes")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.path}: not UTF-8 at byte {error.start}") from None
