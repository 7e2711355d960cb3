"""Redaction of a stream as it passes: an event leaves as soon as its text is decided.

Theory of operation. Each channel (see `channels`) is one text, redacted as it grows (see `incremental`). Events wait in
their order; the first leaves when every piece of text in it is settled. It leaves byte for byte, or, where an edit
touches it, with the replacement in the piece in which the match begins and without the match's bytes in the others.
Everything else in an event that is text, such as the repeats of the whole in `*.done` and `response.completed`, is
redacted by itself. Tool arguments are held until they are whole, because JSON can only be rewritten as a whole.

Nearly all events of a stream are like the one before but for one string, a channel's next piece. What they have in
common was read and searched with the first, so only that string is read of the others (see the `template` kernel).

Guarantees. However the stream is cut, in reads, events and deltas, each channel's text is `Profile.redact` of the whole
text, and no byte of a hidden match leaves before the match is decided. A stream in which nothing is found leaves byte
for byte. The order of events is kept. Comments, ids, retry fields and line endings of a changed event stay.

Failure modes: StreamTooLong where more would have to be held than the bound; UnsearchableAnswer for data that is not
JSON, for a channel that goes on after its end, and for a finding outside of an event's data.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import orjson

from engine._fast.jsonguard import GuardError
from engine._fast.sse import Event, EventTooLong, Splitter, parse
from engine._fast.template import Template
from engine.redaction.answers import UnsearchableAnswer, Walker, drop_logprobs, searched_texts
from engine.redaction.channels import Key, Kind, Piece, ended, pieces
from engine.redaction.incremental import Edit, Incremental
from engine.redaction.likeness import likeness
from engine.redaction.profile import Profile

# OpenAI's end of a stream, which is no JSON.
_DONE: Final = b"[DONE]"
# What an event has around its data where it has nothing else: "data: " and two line ends.
_PLAIN: Final = 8
_MARK: Final = b"\xef\xbb\xbf"


class StreamTooLong(Exception):
    """A stream of which more would have to be held than may be."""


class StreamBlocked(Exception):
    """A rule whose action is `block` has matched. `rule` is its id, `ahead` the events that had been decided before."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.ahead = b""


class RedactedStream:
    """One stream under one profile. `max_bytes` bounds what is held of it at any time.

    findings: by rule, of what has been decided so far.
    """

    def __init__(self, profile: Profile, max_bytes: int) -> None:
        self._walker = Walker(profile)
        self._max = max_bytes
        self._size = 0
        self._splitter = Splitter(max_bytes)
        self._waiting: deque[_Waiting] = deque()
        self._channels: dict[Key, _Channel] = {}
        # The likeness of the last event that had one, and of which channel its text is a piece.
        self._template: Template | None = None
        self._templated: _Channel | None = None
        # The channel of the last event that was not like it.
        self._unlike: _Channel | None = None
        # Token texts repeat the answer, so what is found in them counts only if the answer itself has nothing of it.
        self._repeated: dict[str, int] = {}

    @property
    def findings(self) -> dict[str, int]:
        return self._walker.findings

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; what may leave now. Raises StreamTooLong, StreamBlocked, UnsearchableAnswer."""
        try:
            events = self._splitter.feed(chunk)
        except EventTooLong as error:
            raise StreamTooLong(str(error)) from None
        out: list[bytes] = []
        try:
            for event in events:
                if self._template is None or not self._add_like(event):
                    self._add(event)
                # Event by event, so that what leaves before a block does not depend on the reads.
                self._release(out)
        except StreamBlocked as blocked:
            blocked.ahead = b"".join(out)
            raise
        if self._size > self._max:
            raise StreamTooLong(f"{self._size} bytes; at most {self._max} are held")
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        """The end of the stream: what is left of it. Raises the same."""
        rest = self._splitter.finish()
        if rest:
            self._add(parse(rest))
        self._end(())
        for rule, count in self._repeated.items():
            self.findings.setdefault(rule, count)
        out: list[bytes] = []
        self._release(out)
        return b"".join(out)

    def _add_like(self, event: Event) -> bool:
        """Adds an event that is like the template; whether it is."""
        assert self._template is not None
        assert self._templated is not None
        text = self._template.text(event.raw)
        if text is None:
            return False
        padding = self._template.padding
        if padding and not self._walker.profile.clean(padding):
            return False
        waiting = _Waiting(event)
        self._waiting.append(waiting)
        self._size += len(event.raw)
        waiting.text = text
        waiting.channel = self._templated
        self._templated.feed(text)
        waiting.right = self._templated.size
        if self._walker.blocked is not None:
            raise StreamBlocked(self._walker.blocked)
        return True

    def _learn(self, waiting: _Waiting) -> None:
        """Takes an event for the template of those that follow, if its channel is that of the last one, too."""
        if len(waiting.pieces) != 1 or waiting.changed or waiting.bare:
            self._unlike = None
            return
        piece, channel, *_ = waiting.pieces[0]
        if channel is not self._unlike:
            self._unlike = channel
            return
        self._unlike = None
        if isinstance(piece.holder[piece.key], str):
            template = likeness(waiting.event.raw, piece)
            if template is not None:
                self._template, self._templated = template, channel

    def _add(self, event: Event) -> None:
        waiting = _Waiting(event)
        self._waiting.append(waiting)
        self._size += len(event.raw)
        if event.data is None or not event.data or event.data == _DONE:
            # Comments and other fields: a model does not write them, but an upstream may have put text there.
            self._refuse_findings(event.raw)
            if event.data == _DONE:
                self._end(())
            return
        try:
            # The strict reader goes first, so that no duplicate key hides a text from the search.
            found, may_hide = searched_texts(event.data)
        except GuardError:
            raise UnsearchableAnswer("an event whose data is not JSON") from None
        value = waiting.value = orjson.loads(event.data)
        if not isinstance(value, dict):
            # A list or a scalar is a shape of no dialect: its texts are one channel.
            waiting.value = value = {"": value}
            waiting.bare = True
        for piece in pieces(value):
            channel = self._channel(piece)
            left = channel.size
            channel.feed(piece.text.encode())
            waiting.pieces.append((piece, channel, left, channel.size))
        if may_hide or not self._walker.profile.clean(found):
            self._redact_rest(waiting)
        if len(event.raw) > len(event.data) + _PLAIN:
            self._refuse_findings(b"".join(line for line in event.raw.splitlines(keepends=True) if not _is_data(line)))
        end = ended(value)
        if end is None:
            self._learn(waiting)
        else:
            self._end(end)
        self._check_block()

    def _channel(self, piece: Piece) -> _Channel:
        channel = self._channels.get(piece.channel)
        if channel is None:
            channel = self._channels[piece.channel] = _Channel(self._walker, piece.kind, self._repeated)
        return channel

    def _redact_rest(self, waiting: _Waiting) -> None:
        """Redacts what of an event belongs to no channel."""
        before = sum(self._walker.findings.values())
        for piece, *_ in waiting.pieces:
            piece.holder[piece.key] = _Apart(piece.holder[piece.key])
        tree = self._walker.tree(waiting.value, None)
        if sum(self._walker.findings.values()) != before:
            drop_logprobs(tree)
            waiting.value, waiting.changed = tree, True
            # The pieces stand in the new tree now.
            again: dict[int, list[int]] = {}
            for number, (piece, *_) in enumerate(waiting.pieces):
                again.setdefault(id(piece.holder[piece.key]), []).append(number)
            for holder, key in _apart(tree):
                for number in again[id(holder[key])]:
                    piece, channel, left, right = waiting.pieces[number]
                    waiting.pieces[number] = (piece._replace(holder=holder, key=key), channel, left, right)
        for piece, *_ in waiting.pieces:
            piece.holder[piece.key] = piece.holder[piece.key].value

    def _end(self, begin: tuple[object, ...]) -> None:
        for key, channel in self._channels.items():
            if key[: len(begin)] == begin and not channel.ended:
                channel.end()
        self._check_block()

    def _check_block(self) -> None:
        if self._walker.blocked is not None:
            raise StreamBlocked(self._walker.blocked)

    def _release(self, out: list[bytes]) -> None:
        """Moves the events that wait no longer to `out`."""
        waiting = self._waiting
        while waiting:
            first: _Waiting = waiting[0]
            if not first.settled():
                return
            waiting.popleft()
            self._size -= len(first.event.raw)
            out.append(first.written())

    def _refuse_findings(self, raw: bytes) -> None:
        """Searches bytes that cannot be rewritten; what is found there withholds the stream."""
        profile = self._walker.profile
        if not profile.clean(raw) and (found := profile.redact(raw)).findings:
            raise UnsearchableAnswer(f"{', '.join(found.findings)} outside the data of an event")


class _Channel:
    """The text of one channel, and what of it is settled."""

    def __init__(self, walker: Walker, kind: Kind, repeated: dict[str, int]) -> None:
        self._walker = walker
        self._repeated = repeated
        self._kind = kind
        self.size = 0
        self.ended = False
        self._text = Incremental(walker.profile) if kind != "json" else None
        self._held: list[bytes] = []
        self.settled = 0
        self.edits: deque[Edit] = deque()

    def feed(self, data: bytes) -> None:
        """Takes the next piece, UTF-8."""
        if not data:
            return
        if self.ended:
            raise UnsearchableAnswer("a text that goes on after its end")
        self.size += len(data)
        if self._text is None:
            self._held.append(data)
        else:
            self._text.feed(data)
            self._note(self._text)

    def end(self) -> None:
        """The channel is whole."""
        self.ended = True
        if self._text is not None:
            self._text.finish()
            self._note(self._text)
            return
        whole = b"".join(self._held).decode()
        self._held.clear()
        redacted = self._walker.json_text(whole)
        if redacted != whole:
            self.edits.append(Edit(0, self.size, redacted.encode()))
        self.settled = self.size

    def _note(self, text: Incremental) -> None:
        self.settled = text.settled
        if text.edits:
            self.edits += text.edits
            text.edits.clear()
        if text.findings:
            if self._kind == "text":
                self._walker.count(text.findings)
            else:
                self._repeated.update(text.findings)
            text.findings.clear()
        if text.blocked is not None:
            self._walker.blocked = self._walker.blocked or text.blocked

    def take(self, data: bytes, left: int, right: int) -> bytes:
        """The bytes from `left` to `right` of the channel, which are `data`, as they may leave; in order, once each."""
        parts: list[bytes] = []
        at = left
        while self.edits and self.edits[0].left < right:
            edit = self.edits[0]
            if edit.left >= left:
                parts += (data[at - left : edit.left - left], edit.text)
            at = min(edit.right, right)
            if edit.right > right:
                break
            self.edits.popleft()
        if at == left and not parts:
            return data
        return b"".join((*parts, data[at - left :]))


class _Waiting:
    """An event, its pieces with where they stand in their channels, and whether it was changed already.

    An event like the template has no pieces, but the text in its place, whose end in the channel is `right`.
    """

    __slots__ = ("bare", "changed", "channel", "event", "pieces", "right", "text", "value")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.value: Any = None
        self.pieces: list[tuple[Piece, _Channel, int, int]] = []
        self.changed = False
        self.bare = False
        self.channel: _Channel | None = None
        self.text = b""
        self.right = 0

    def settled(self) -> bool:
        if self.channel is not None:
            return self.channel.settled >= self.right
        return not [piece for piece, channel, _, right in self.pieces if channel.settled < right]

    def written(self) -> bytes:
        """The bytes of the event: its own where nothing in it changed."""
        if self.channel is not None:
            return self._like_written(self.channel)
        changed = self.changed
        for piece, channel, left, right in self.pieces:
            if not channel.edits:
                continue
            data = piece.text.encode()
            kept = channel.take(data, left, right)
            if kept is data:
                continue
            changed = True
            was = piece.holder[piece.key]
            piece.holder[piece.key] = kept.decode() if isinstance(was, str) else [] if isinstance(was, list) else None
        if not changed:
            return self.event.raw
        drop_logprobs(self.value)
        return _with_data(self.event.raw, orjson.dumps(self.value[""] if self.bare else self.value))

    def _like_written(self, channel: _Channel) -> bytes:
        text = self.text
        if not channel.edits or not text:
            return self.event.raw
        kept = channel.take(text, self.right - len(text), self.right)
        if kept is text:
            return self.event.raw
        assert self.event.data is not None
        value = orjson.loads(self.event.data)
        piece = next(pieces(value))
        piece.holder[piece.key] = kept.decode()
        drop_logprobs(value)
        return _with_data(self.event.raw, orjson.dumps(value))


class _Apart:
    """A piece's text in an event whose other texts are redacted."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _apart(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(item, _Apart):
            found.append((value, key))
        else:
            found += _apart(item)
    return found


def _is_data(line: bytes) -> bool:
    text = line.rstrip(b"\r\n").removeprefix(_MARK)
    return text == b"data" or text.startswith(b"data:")


def _with_data(raw: bytes, data: bytes) -> bytes:
    """An event with other data: its first line of data has it, all other lines stay."""
    out = []
    for line in raw.splitlines(keepends=True):
        text = line.rstrip(b"\r\n").removeprefix(_MARK)
        if not _is_data(line):
            out.append(line)
        elif data:
            out += (line[: line.index(text)], b"data: ", data, line[len(line.rstrip(b"\r\n")) :])
            data = b""
    return b"".join(out)
