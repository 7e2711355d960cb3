from collections.abc import Sequence

WORDS: int
LONGEST: int
GAP: int
WORD: int
LOOKBACK: int

def wide(wanted: bool) -> bool: ...

class Echo:
    def __init__(self, sources: Sequence[bytes], most: int) -> None: ...
    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None: ...
    def tail(self, text: bytes, start: int) -> int: ...
