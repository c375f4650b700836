"""The last lines a child process wrote, kept in bounded memory."""

from collections import deque


class LogTail:
    """
    Keeps the last lines of a byte stream that may arrive split anywhere.

    >>> tail = LogTail(lines=2)
    >>> tail.feed(b"one\\ntwo\\nthr")
    >>> tail.feed(b"ee\\n")
    >>> tail.lines()
    ('two', 'three')
    """

    def __init__(self, *, lines: int = 50, line_bytes: int = 500) -> None:
        """Keep at most `lines` lines, each cut to its first `line_bytes` bytes."""
        self._line_bytes = line_bytes
        self._complete: deque[bytes] = deque(maxlen=lines)
        self._unfinished = b""

    def feed(self, chunk: bytes) -> None:
        first, *rest = chunk.split(b"\n")
        self._unfinished = (self._unfinished + first[: self._line_bytes])[: self._line_bytes]
        for line in rest:
            self._complete.append(self._unfinished)
            self._unfinished = line[: self._line_bytes]

    def lines(self) -> tuple[str, ...]:
        """The kept lines, oldest first; an unfinished last line counts, empty lines do not."""
        kept = [*self._complete, self._unfinished]
        return tuple(line.decode(errors="replace").rstrip("\r") for line in kept if line.strip())

    def __repr__(self) -> str:
        return f"LogTail({len(self.lines())} lines)"
