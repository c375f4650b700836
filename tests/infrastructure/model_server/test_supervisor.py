"""The model server starts once, comes back when it died, and is never left behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.child_process import ModelServerUnavailable, answers_health
from infrastructure.model_server.supervisor import EmbeddedModelServer
from tests.infrastructure.model_server.processes import is_running, until

SCRIPTED_CHILD = Path(__file__).with_name("scripted_child.py")
OPTIONS = ModelOptions(weights="unused.gguf")


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def server_that(behaviour: str, clock: HandClock, **limits: float) -> EmbeddedModelServer:
    program = (sys.executable, str(SCRIPTED_CHILD), behaviour)
    return EmbeddedModelServer(OPTIONS, program=program, now=clock, **limits)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def server(clock: HandClock) -> AsyncIterator[EmbeddedModelServer]:
    server = server_that("serves", clock)
    yield server
    await server.aclose()


async def kill_child(server: EmbeddedModelServer) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: server.pid is None)


def test_constructing_a_server_starts_nothing(clock: HandClock) -> None:
    assert repr(server_that("serves", clock)) == "EmbeddedModelServer(not started)"


async def test_the_first_use_starts_a_server_that_answers(server: EmbeddedModelServer) -> None:
    url = await server.ensure_running()

    assert url.startswith("http://127.0.0.1:")
    assert await answers_health(url)


async def test_users_at_the_same_time_share_one_start(server: EmbeddedModelServer) -> None:
    urls = await asyncio.gather(*(server.ensure_running() for _ in range(20)))

    assert len(set(urls)) == 1
    assert await server.ensure_running() == urls[0]


async def test_a_user_who_leaves_does_not_stop_the_start_others_wait_for(
    server: EmbeddedModelServer,
) -> None:
    leaving = asyncio.create_task(server.ensure_running())
    staying = asyncio.create_task(server.ensure_running())
    await asyncio.sleep(0)
    leaving.cancel()

    assert await answers_health(await staying)


async def test_a_server_that_still_loads_is_waited_for(clock: HandClock) -> None:
    server = server_that("loads", clock)
    try:
        assert await answers_health(await server.ensure_running())
    finally:
        await server.aclose()


async def test_a_server_that_died_is_started_again(server: EmbeddedModelServer) -> None:
    await server.ensure_running()
    first_pid = server.pid
    await kill_child(server)

    assert await answers_health(await server.ensure_running())
    assert server.pid != first_pid


async def test_a_server_that_keeps_dying_is_given_a_pause(
    server: EmbeddedModelServer, clock: HandClock
) -> None:
    for _ in range(2):
        await server.ensure_running()
        await kill_child(server)
    with pytest.raises(ModelServerUnavailable, match="next start in 1 s"):
        await server.ensure_running()

    clock.now_s += 1.0
    assert await answers_health(await server.ensure_running())


async def test_a_child_that_cannot_start_tells_its_last_words(clock: HandClock) -> None:
    server = server_that("dies", clock)

    with pytest.raises(ModelServerUnavailable, match=r"exit code 3(.|\n)*cannot read the weights"):
        await server.ensure_running()
    await server.aclose()


async def test_a_child_that_never_gets_ready_is_given_up_and_ended(clock: HandClock) -> None:
    server = server_that("says-nothing", clock, ready_within_s=0.5)

    with pytest.raises(ModelServerUnavailable, match=r"not ready within 0.5 s"):
        await server.ensure_running()
    assert server.pid is None
    await server.aclose()


async def test_a_child_that_announces_no_address_is_ended(clock: HandClock) -> None:
    server = server_that("babbles", clock)

    with pytest.raises(ModelServerUnavailable, match=r"no address but b'hello, world"):
        await server.ensure_running()
    assert server.pid is None
    await server.aclose()


async def test_a_program_that_does_not_exist_is_named(clock: HandClock) -> None:
    server = EmbeddedModelServer(OPTIONS, program=("/nonexistent/python",), now=clock)

    with pytest.raises(ModelServerUnavailable, match="/nonexistent/python"):
        await server.ensure_running()
    await server.aclose()


async def test_an_unavailable_server_is_a_connection_error() -> None:
    assert issubclass(ModelServerUnavailable, ConnectionError)


@pytest.mark.parametrize("behaviour", ["serves", "ignores-sigterm"])
async def test_closing_leaves_no_process(behaviour: str, clock: HandClock) -> None:
    server = server_that(behaviour, clock, stop_within_s=0.5)
    await server.ensure_running()
    pid = server.pid
    assert pid is not None

    await server.aclose()

    assert not is_running(pid)
    with pytest.raises(ModelServerUnavailable, match="closed"):
        await server.ensure_running()


async def test_closing_ends_a_start_that_is_under_way(clock: HandClock) -> None:
    server = server_that("says-nothing", clock, stop_within_s=0.5)
    waiting = asyncio.create_task(server.ensure_running())
    await until(lambda: server.pid is not None)
    pid = server.pid
    assert pid is not None

    await server.aclose()

    with pytest.raises(ModelServerUnavailable, match="closed"):
        await waiting
    assert not is_running(pid)


async def test_closing_a_server_that_never_ran_is_harmless(server: EmbeddedModelServer) -> None:
    await server.aclose()
    await server.aclose()


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_the_child_inherits_no_secret(
    server: EmbeddedModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-planted")
    await server.ensure_running()

    assert server.pid is not None
    assert b"sk-planted" not in environment_of(server.pid)


async def test_what_the_child_writes_reaches_only_the_tail(
    server: EmbeddedModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    await server.ensure_running()
    await until(lambda: bool(server.log_tail()))

    assert server.log_tail() == ("model loaded",)
    assert capfd.readouterr() == ("", "")


def test_the_servers_own_event_loop_can_run_it(clock: HandClock) -> None:
    async def one_life() -> None:
        server = server_that("serves", clock)
        assert await answers_health(await server.ensure_running())
        await kill_child(server)
        assert await answers_health(await server.ensure_running())
        await server.aclose()
        assert server.pid is None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(one_life())


ORPHAN_MAKER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
BOUND_CHILD = """
import sys, time
from infrastructure.model_server.child import die_with
die_with(int(sys.argv[1]))
print("bound", flush=True)
time.sleep(600)
"""
SUPERVISING_PARENT = """
import asyncio, sys, time
from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.supervisor import EmbeddedModelServer
async def main():
    server = EmbeddedModelServer(ModelOptions(weights="unused"), program=tuple(sys.argv[1:]))
    await server.ensure_running()
    print(server.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
WAITS_FOR_STDIN = """
import os, sys, threading
from tests.infrastructure.model_server.scripted_child import serve
threading.Thread(target=serve, daemon=True).start()
sys.stdin.buffer.read()
os._exit(0)
"""


async def test_the_kernel_ends_the_child_of_a_killed_parent() -> None:
    await _assert_no_orphan(sys.executable, "-c", ORPHAN_MAKER, BOUND_CHILD)


async def test_stdin_closes_for_the_child_of_a_killed_gateway() -> None:
    await _assert_no_orphan(sys.executable, "-c", SUPERVISING_PARENT, sys.executable, "-c", WAITS_FOR_STDIN)


async def _assert_no_orphan(*command: str) -> None:
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child_pid = int(await parent.stdout.readline())
    assert is_running(child_pid)

    parent.kill()
    await parent.wait()

    await until(lambda: not is_running(child_pid))
