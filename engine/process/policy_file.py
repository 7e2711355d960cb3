"""The policy file as the supervisor watches it.

Rules. Content counts, not the time stamp. A change is reported when two polls in a row have read the same new content:
half of a file that is just being written may be valid YAML, with its limits missing. A file that is gone, or cannot be
read, changes nothing and is said once.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


class PolicyFile:
    """Reads the file at `path`. `text` is what was last returned by `read` or `poll`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""
        self._candidate: str | None = None
        self._problem: str | None = None

    def read(self) -> str:
        """The content now. Raises OSError; ValueError where it is not UTF-8."""
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
        try:
            return self.path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.path}: not UTF-8 at byte {error.start}") from None
