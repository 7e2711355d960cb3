from collections.abc import Sequence

GAP: int

class Prefilter:
    def __init__(self, literals: Sequence[Sequence[bytes]], digits: Sequence[int]) -> None: ...
    def candidates(self, text: bytes, begin: int = 0) -> list[int]: ...
