"""What a log line looks like, and what is never in one."""

import io
import json
import os
import threading
import time
from pathlib import Path

import pytest

from domain.events import AttemptFailed, AttemptStarted
from infrastructure.events.event_log import EventLog
from infrastructure.events.fan_out import FanOut
from infrastructure.events.log_sink import LogSink
from infrastructure.logging import LineWriter, event_logger

STARTED = AttemptStarted(request_id="r1", profile="coding", provider="local", model="qwen3", stream=True)


def failed(error: str) -> AttemptFailed:
    return AttemptFailed(
        request_id="r1",
        provider="local",
        model="qwen3",
        failure="credentials",
        status=401,
        retryable=True,
        error=error,
    )


class Page(io.BytesIO):
    """A stream that can still be read after the writer is done with it."""

    def lines(self) -> list[bytes]:
        return self.getvalue().splitlines()


def written(
    *events: AttemptStarted | AttemptFailed, level: str = "info", as_json: bool = True
) -> list[bytes]:
    page = Page()
    writer = LineWriter(page)
    sink = LogSink(event_logger(writer, level=level, as_json=as_json, secrets=["geheim-12345"]))
    for event in events:
        sink.emit(event)
    writer.close()
    return page.lines()


def test_an_event_is_one_json_object_a_line_with_its_time_level_and_fields() -> None:
    (line,) = written(STARTED)
    fields = json.loads(line)

    assert list(fields)[:4] == ["ts", "level", "event", "request_id"]
    assert fields["ts"].endswith("Z")
    assert len(fields["ts"]) == len("2026-01-01T00:00:00.000Z")
    assert fields["event"] == "try-provider"
    assert fields["provider"] == "local"
    assert fields["stream"] is True


def test_quieter_events_are_left_out() -> None:
    assert [json.loads(line)["level"] for line in written(STARTED, failed("x"), level="warning")] == [
        "warning"
    ]


def test_a_terminal_gets_words_not_json() -> None:
    (line,) = written(STARTED, as_json=False)

    assert b"try-provider" in line
    assert not line.startswith(b"{")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    "secret",
    [
        "geheim-12345",
        "sk-proj-abcdefghijklmnop1234",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "cr_abcdefghijklmnopqrst",
        "gsk_abcdefghijklmnopqrst",
        "csk-abcdefghijklmnopqrst",
        "hf_abcdefghijklmnopqrst",
        "nvapi-abcdefghijklmnopqrst",
        "xai-abcdefghijklmnopqrst",
        "AIzaabcdefghijklmnopqrst",
    ],
)
def test_no_secret_reaches_a_line_whoever_says_it(secret: str, as_json: bool) -> None:
    (line,) = written(failed(f"the upstream echoed {secret} back"), as_json=as_json)

    assert secret.removeprefix("Bearer ").encode() not in line
    assert b"[redacted]" in line


def test_a_reader_that_stalls_neither_blocks_the_gateway_nor_eats_its_memory() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as stalled:
        writer = LineWriter(stalled)
        writer.write(b"x" * 1_000_000)  # more than a pipe holds: from here on the writer's thread waits
        _await_taken(writer)
        for _ in range(40_000):
            writer.write(b"x" * 1023 + b"\n")

        assert "dropped=0" not in repr(writer)
        threading.Thread(target=_drain, args=(reading,), daemon=True).start()
        writer.close(timeout_s=20)


def _await_taken(writer: LineWriter) -> None:
    give_up_at = time.monotonic() + 10
    while "waiting=0 " not in repr(writer):
        assert time.monotonic() < give_up_at
        time.sleep(0.001)


def _drain(descriptor: int) -> None:
    while os.read(descriptor, 1 << 20):
        pass


def test_a_log_nobody_can_read_is_no_reason_to_fail() -> None:
    page = Page()
    writer = LineWriter(page)
    page.close()

    writer.write(b"lost\n")
    writer.close()


class Faulty:
    """A sink with a bug."""

    def emit(self, event: object) -> None:
        raise RuntimeError(repr(event))


class Keeping:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def emit(self, event: object) -> None:
        self.events.append(event)


def test_a_faulty_sink_disturbs_neither_its_neighbours_nor_the_gateway() -> None:
    keeping = Keeping()

    FanOut(Faulty(), keeping).emit(STARTED)

    assert keeping.events == [STARTED]


def test_a_named_file_gets_the_same_events_as_json(tmp_path: Path) -> None:
    page = Page()
    mirror = tmp_path / "events.jsonl"
    log = EventLog(page, level="info", as_json=False, mirror=mirror, secrets=["geheim-12345"])
    log.emit(failed("the key geheim-12345 was refused"))
    log.close()

    assert json.loads(mirror.read_text())["event"] == "provider-failed"
    assert "geheim" not in mirror.read_text()
    assert b"provider-failed" in page.getvalue()
