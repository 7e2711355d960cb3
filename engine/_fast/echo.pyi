from collections.abc import Sequence

WORDS: int
LONGEST: int
GAP: int
WORD: int
LOOKBACK: int

class Echo:
    def __init__(self, sources: Sequence[bytes], most: int, wide: bool = True) -> None: ...
    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None: ...
    def tail(self, text: bytes, start: int) -> int: ...
