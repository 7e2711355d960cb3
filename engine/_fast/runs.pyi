class Tokens:
    def __init__(
        self,
        members: bytes,
        least: int,
        longest: int,
        ending: bytes = b"",
        mark: bytes = b"",
        base64: bool = False,
        wide: bool = True,
    ) -> None: ...
    def find(self, text: bytes, start: int, before: int) -> tuple[int, int] | None: ...
