from collections.abc import Sequence

GAP: int
SEPARATORS: bytes
LOOSE: int
STRICT: int
LED: int

def gather(wanted: bool) -> bool: ...

class Prefilter:
    def __init__(
        self,
        literals: Sequence[Sequence[bytes]],
        digits: Sequence[int],
        bounds: Sequence[int] | None = None,
        clusters: Sequence[tuple[int, int, int, int, int] | None] | None = None,
        runs: Sequence[tuple[int, int] | None] | None = None,
        leads: Sequence[int] | None = None,
        alphabets: Sequence[bytes | None] | None = None,
        shortest: Sequence[int] | None = None,
        marks: Sequence[int] | None = None,
    ) -> None: ...
    def candidates(self, text: bytes, begin: int = 0) -> list[int]: ...
    def regions(
        self, text: bytes, begin: int = 0, wide: bool = False
    ) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int]]]: ...
