"""Renders events as lines: JSON for machines, colours for a terminal; written where nobody waits for them."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, cast

import msgspec
import structlog

from domain.events import Event

_MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Lines beyond this are dropped and counted: a reader of the log that stalls must not eat the memory."""

_GATHERING_S = 0.02
"""How long the writer lets lines gather, so that a busy gateway writes in batches."""

_REDACTED = b"[redacted]"
_KEY_SHAPED = re.compile(
    rb"\b(?:(?:sk|cr|gsk|csk|hf|nvapi|xai)[-_]|AIza)[A-Za-z0-9_-]{16,}|(?<=Bearer )[A-Za-z0-9._~+/-]{8,}=*"
)
"""What looks like a credential, whoever printed it; known values are replaced first."""

_KEY_HINT = re.compile(rb"sk[-_]|cr[-_]|hf[-_]|nvapi|xai|AIza|Bearer ")
"""Every line that `_KEY_SHAPED` matches holds one of these; looking for them costs a fifth of the search."""

Renderer: TypeAlias = Callable[[str, Event], bytes]
"""Makes a line of a level and an event."""

_Processor: TypeAlias = Callable[[object, str, MutableMapping[str, Any]], bytes]


class ByteStream(Protocol):
    """What lines are written to."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class LineWriter:
    """
    Writes lines to a stream from a thread of its own.

    `write` never blocks and never fails; `close` writes what waits, bounded in time.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self._lock = threading.Lock()
        self._has_lines = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<LineWriter waiting={self._waiting_bytes} bytes dropped={self._dropped}>"

    def write(self, line: bytes) -> None:
        """Takes one line, with its line end."""
        with self._lock:
            if self._waiting_bytes + len(line) > _MAX_WAITING_BYTES:
                self._dropped += 1
                return
            self._waiting.append(line)
            self._waiting_bytes += len(line)
        if not self._has_lines.is_set():  # setting it costs several times what asking does
            self._has_lines.set()

    def close(self, timeout_s: float = 2.0) -> None:
        self._closing.set()
        self._has_lines.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._has_lines.wait()
            self._closing.wait(_GATHERING_S)
            self._has_lines.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
            dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(b'{"level":"warning","event":"log-lines-dropped","count":%d}\n' % dropped)
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
        except (OSError, ValueError):
            return  # a log that nobody can read any more is no reason to fail


class _LineLogger:
    """The end of structlog's chain: every level writes the rendered line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: bytes) -> None:
        self._writer.write(line)

    debug = info = warning = error = msg


def event_logger(
    writer: LineWriter, *, level: str, as_json: bool, secrets: Iterable[str] = ()
) -> structlog.typing.FilteringBoundLogger:
    """
    A logger for events, each of which it is given as ``told``.

    An event stays one value on its way through structlog: to take it apart into keywords, which are copied
    from call to call, is most of what a line costs.

    Args:
        level: the quietest level that is written: ``debug``, ``info``, ``warning`` or ``error``.
        as_json: JSON lines, else a human-readable format with colours.
        secrets: values that must never appear in a line, whatever carries them.
    """
    logger = structlog.wrap_logger(
        _LineLogger(writer),
        processors=[_rendering(_as_json if as_json else _console(), secrets)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return cast("structlog.typing.FilteringBoundLogger", logger.bind())


def _timestamp(now_ns: int) -> str:
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    return f"{_second(seconds)}.{rest_ns // 1_000_000:03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(level: str, event: Event) -> bytes:
    """UTC with milliseconds, then level and event, then the event's own fields."""
    # Neither a time, nor a level, nor the name of an event has anything in it that JSON would have to escape.
    head = f'{{"ts":"{_timestamp(time.time_ns())}","level":"{level}","event":"{event.name}"'.encode()
    own = msgspec.json.encode(event)
    return b"%b}\n" % head if own == b"{}" else b"%b,%b\n" % (head, own[1:])


def _console() -> Renderer:
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="ts")

    def render(level: str, event: Event) -> bytes:
        told = {field.name: getattr(event, field.name) for field in fields(event)}
        shown = {name: _harmless(value) for name, value in told.items() if value not in _UNSAID}
        head = {"ts": _timestamp(time.time_ns()), "level": level, "event": event.name}
        return f"{renderer(None, level, {**head, **shown})}\n".encode()

    return render


_UNSAID = (None, "", ())
"""Values that a person need not read."""


def _harmless(value: object) -> object:
    """Text that clients and upstreams chose, without what a terminal would obey."""
    if not isinstance(value, str):
        return value
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in value)


def _rendering(render: Renderer, secrets: Iterable[str]) -> _Processor:
    """The renderer, with every secret taken out of what it made: nothing is written unredacted."""
    known = sorted({msgspec.json.encode(secret)[1:-1] for secret in secrets if len(secret) >= 4}, key=len)
    longest_first = tuple(reversed(known))

    def render_redacted(_logger: object, level: str, given: MutableMapping[str, Any]) -> bytes:
        line = render(level, given["told"])
        for secret in longest_first:
            line = line.replace(secret, _REDACTED)
        return _KEY_SHAPED.sub(_REDACTED, line) if _KEY_HINT.search(line) else line

    return render_redacted
