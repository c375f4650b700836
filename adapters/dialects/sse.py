"""
Server-sent events, read and written as bytes.

The grammar is that of the WHATWG HTML standard, section 9.2.6: lines end in LF, CRLF or CR; a blank line
ends an event; a line that begins with a colon is a comment; several ``data`` lines join with LF. We differ in
one point on purpose: an event that the end of the stream leaves without its blank line is still delivered,
as several model servers close that way.
"""

from collections.abc import Iterator

from domain.values import value

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""An event larger than this is an attack or a broken server, not an answer; an image is well below."""


class OversizedEvent(Exception):
    """An event grew past `MAX_EVENT_BYTES` without ending."""


@value
class SseEvent:
    """One event; ``name`` is empty when no ``event`` line came, ``data`` joins the ``data`` lines with LF."""

    name: bytes
    data: bytes


class SseReader:
    """Bytes in, events out; holds the one event that is not complete yet."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._ends_in_cr = False

    def __repr__(self) -> str:
        return f"<SseReader pending={self._pending_bytes} bytes>"

    def feed(self, data: bytes) -> Iterator[SseEvent]:
        """
        The events that these bytes complete.

        Raises:
            OversizedEvent: an event does not end.
        """
        return events_of(self.complete(data))

    def complete(self, data: bytes) -> bytes:
        """
        The events that these bytes complete, as text with LF line ends; empty, or ending in a blank line.

        Raises:
            OversizedEvent: an event does not end.
        """
        arrived = self._with_lf(data)
        text = self._joined(arrived) if self._pending else arrived
        end = text.rfind(b"\n\n") + 2
        if end > 1:
            self._hold(text[end:])
            return text[:end]
        self._hold(arrived)
        if self._pending_bytes > MAX_EVENT_BYTES:
            raise OversizedEvent(f"an event of more than {MAX_EVENT_BYTES} bytes")
        return b""

    def close(self) -> Iterator[SseEvent]:
        """The event that the end of the stream cut short of its blank line, if it had any data."""
        return events_of(self.rest())

    def rest(self) -> bytes:
        """The text of the event that the end of the stream cut short of its blank line."""
        last = b"".join(self._pending)
        self._forget()
        return last

    def _joined(self, arrived: bytes) -> bytes:
        """All that came, if it completes an event; joining it at each read would take quadratic time."""
        ends_here = b"\n\n" in arrived or (arrived.startswith(b"\n") and self._pending[-1].endswith(b"\n"))
        if not ends_here:
            return b""
        text = b"".join((*self._pending, arrived))
        self._forget()
        return text

    def _hold(self, data: bytes) -> None:
        if data:
            self._pending.append(data)
            self._pending_bytes += len(data)

    def _forget(self) -> None:
        self._pending = []
        self._pending_bytes = 0

    def _with_lf(self, data: bytes) -> bytes:
        """Line ends as LF. A CR that ends one read and an LF that starts the next are one line end."""
        if self._ends_in_cr and data.startswith(b"\n"):
            data = data[1:]
            self._ends_in_cr = False
        if not data:
            return data
        self._ends_in_cr = data.endswith(b"\r")
        if b"\r" in data:
            return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data


def events_of(text: bytes) -> Iterator[SseEvent]:
    """The events of a text with LF line ends that cuts no event short."""
    for block in text.split(b"\n\n"):
        event = _event(block)
        if event is not None:
            yield event


def _event(block: bytes) -> SseEvent | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return SseEvent(b"", block[6:])
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return SseEvent(name, b"\n".join(data)) if data else None


def data_frame(data: bytes) -> bytes:
    """A frame without a name, as OpenAI's dialects use."""
    return b"data: " + data + b"\n\n"


def named_frame(name: bytes, data: bytes) -> bytes:
    """A frame with a name, as Anthropic's dialect uses."""
    return b"event: " + name + b"\ndata: " + data + b"\n\n"


def comment_frame(words: bytes) -> bytes:
    """A line that every reader skips."""
    return b": " + words + b"\n\n"
