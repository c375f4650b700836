"""A gateway that is asked to stop finishes what it has begun, and then ends."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.clients import DIALECTS, TLS, ClientDialect, ask, asking, is_terminated
from tests.e2e.gateway import Gateway, names, seconds, started
from tests.e2e.stage import Stage, fresh_id
from tests.upstream.behaviours import Answer, SlowFirstByte, Stall
from tests.upstream.scripted_upstream import wait_until

SLOW = Answer.text(" ".join(f"word{number}" for number in range(15)), pace_s=0.1)
"""About 1.8 s of stream."""


@contextmanager
def fresh(stage: Stage, directory: Path, *, drain_timeout_s: float = 30.0) -> Iterator[Gateway]:
    """A gateway of the test's own; the test says how it ends."""
    config = stage.config(server={"drain_timeout_s": drain_timeout_s})
    with started(directory, config) as gateway:
        gateway.wait_until_ready()
        yield gateway


def test_an_idle_gateway_ends_at_once_whoever_keeps_a_connection_open(stage: Stage, tmp_path: Path) -> None:
    with fresh(stage, tmp_path) as gateway, httpx.Client(base_url=gateway.address) as client:
        assert client.get("/readyz").status_code == 200
        gateway.terminate()

        assert seconds(gateway.exit_code) < 5
        assert gateway.exit_code() == 0
        assert names(gateway.events())[-1] == "coderouter-shutdown"


def test_a_stream_that_has_begun_is_finished(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=SLOW)
    request_id = fresh_id()
    with fresh(stage, tmp_path) as gateway:
        with asking(gateway, "anthropic_messages", "first-openai_compat", request_id) as answer:
            pieces = answer.iter_text()
            text = next(pieces)
            gateway.terminate()
            text += "".join(pieces)

        assert is_terminated("anthropic_messages", text)
        assert "word14" in text
        assert gateway.exit_code() == 0
        assert gateway.completed(request_id)["outcome"] == "answered"
        assert names(gateway.events())[-1] == "coderouter-shutdown"


def test_a_whole_answer_that_is_being_made_is_finished(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=SlowFirstByte(1.0, Answer.text("late but whole")))
    answers: list[httpx.Response] = []
    with fresh(stage, tmp_path) as gateway:
        asking_it = threading.Thread(target=lambda: answers.append(ask(gateway, "openai_chat", "default")))
        asking_it.start()
        wait_until(lambda: len(stage["first"].chats) == 1)
        gateway.terminate()
        asking_it.join()

        assert [answer.status_code for answer in answers] == [200]
        assert "late but whole" in answers[0].text
        assert gateway.exit_code() == 0


def test_while_it_drains_it_says_that_it_is_not_ready_and_turns_new_work_away(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=SLOW)
    with fresh(stage, tmp_path) as gateway:
        assert _readiness(gateway) == 200
        with asking(gateway, "openai_chat", "default", fresh_id()) as answer:
            pieces = answer.iter_text()
            next(pieces)
            gateway.terminate()
            wait_until(lambda: _readiness(gateway) == 503)
            refused = [ask(gateway, dialect, "default") for dialect in DIALECTS]
            text = "".join(pieces)

        assert is_terminated("openai_chat", text)
        assert [each.status_code for each in refused] == [503, 503]
        assert [each.headers["x-should-retry"] for each in refused] == ["true", "true"]
        assert [each.json()["error"]["type"] for each in refused] == ["server_error", "overloaded_error"]
        assert len(stage["first"].chats) == 1
        assert gateway.exit_code() == 0


def test_a_stream_that_outlasts_the_drain_time_ends_with_an_error(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Stall(after_events=4, seconds=60))
    request_id = fresh_id()
    with fresh(stage, tmp_path, drain_timeout_s=1.0) as gateway:
        with asking(gateway, "openai_chat", "default", request_id) as answer:
            pieces = answer.iter_text()
            next(pieces)
            stopped_at = time.monotonic()
            gateway.terminate()
            text = "".join(pieces)

        assert "the gateway is shutting down" in text
        assert not is_terminated("openai_chat", text)
        assert gateway.exit_code() == 0
        assert 1.0 <= time.monotonic() - stopped_at < 10
        assert "Traceback" not in gateway.log
        assert gateway.completed(request_id)["outcome"] == "broken-off"
        wait_until(lambda: stage["first"].chats[0].connection.closed_by_peer_at is not None)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_that_outlasts_the_drain_time_is_refused_as_new_work_is(
    stage: Stage, tmp_path: Path, dialect: ClientDialect
) -> None:
    stage.plays(first=SlowFirstByte(60, Answer.text("too late")))
    answers: list[httpx.Response] = []
    with fresh(stage, tmp_path, drain_timeout_s=0.5) as gateway:
        asking_it = threading.Thread(target=lambda: answers.append(ask(gateway, dialect, "default")))
        asking_it.start()
        wait_until(lambda: len(stage["first"].chats) == 1)
        gateway.terminate()
        asking_it.join()

        assert [answer.status_code for answer in answers] == [503]
        assert "the gateway is shutting down" in answers[0].json()["error"]["message"]
        assert gateway.exit_code() == 0
        assert "Traceback" not in gateway.log


def _readiness(gateway: Gateway) -> int:
    return httpx.get(f"{gateway.address}/readyz", verify=TLS).status_code


@pytest.mark.slow
def test_a_worker_that_does_not_stay_alive_ends_the_gateway_for_whoever_restarts_it(
    stage: Stage, tmp_path: Path
) -> None:
    with started(tmp_path, stage.config(server={"workers": 2})) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: len(gateway.workers()) == 2)
        before = set(gateway.workers())
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len({*gateway.workers()} - before) == 1, within_s=30)
        (fresh,) = {*gateway.workers()} - before
        os.kill(fresh, signal.SIGKILL)

        assert gateway.exit_code() == 6
        assert "a worker ended again" in gateway.log


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.4, 0.8])
def test_workers_that_are_told_to_end_while_they_start_do(
    stage: Stage, tmp_path: Path, after_s: float
) -> None:
    with started(tmp_path, stage.config(server={"workers": 2})) as gateway:
        wait_until(lambda: bool(gateway.workers()), within_s=30)
        time.sleep(after_s)
        gateway.terminate()

        assert gateway.exit_code(within_s=15) == 0, gateway.log
