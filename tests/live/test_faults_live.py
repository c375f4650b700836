"""A real model server that dies, hangs, loads or runs out of memory: clients are told, and go on."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.model_server.child import ModelOptions
from tests.e2e.clients import (
    DIALECTS,
    PATHS,
    SAME_KIND,
    TLS,
    ClientDialect,
    ask,
    frames,
    is_terminated,
    question,
)
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import fresh_id
from tests.live.test_health_live import process, provider
from tests.upstream.behaviours import Answer
from tests.upstream.scripted_upstream import ScriptedUpstream, served_in_thread, wait_until

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

Server = subprocess.Popen[bytes]
STORY = [{"role": "user", "content": "Tell me a very long story about a cat, a dog and a horse."}]
FIRST_WORDS = ('"content":"', '"text":"')
KINDS = {"openai_compat": "/v1", "anthropic": ""}


def kill(server: Server) -> None:
    """As the kernel does when memory runs out."""
    server.kill()
    server.wait()


def terminate(server: Server) -> None:
    """As a service manager does."""
    server.terminate()
    server.wait()


def freeze(server: Server) -> None:
    """It hangs, with its connections open, and takes new ones."""
    server.send_signal(signal.SIGSTOP)


ENDS: dict[str, Callable[[Server], None]] = {"killed": kill, "terminated": terminate, "frozen": freeze}


@contextmanager
def house(weights: Path, second: str, folder: Path) -> Iterator[tuple[Gateway, Server]]:
    """A server of one's own that comes first, and a sound one behind it; in either dialect."""
    options = ModelOptions(weights=str(weights), threads=1, sleep_after_s=-1)
    with process(options) as (server, url):
        named = [("first", url), ("second", second)]
        providers = [_provider(name, kind, at) for name, at in named for kind in KINDS]
        profiles = [
            {
                "name": kind,
                "providers": [f"first-{kind}", f"second-{kind}"],
                "backend_health_action": "demote",
                "backend_health_threshold": 2,
            }
            for kind in KINDS
        ]
        config = {"providers": providers, "profiles": profiles, "default_profile": "openai_compat"}
        with running(folder, config) as gateway:
            try:
                yield gateway, server
            finally:
                server.kill()  # one that is stopped would not hear anything else


def _provider(name: str, kind: str, url: str) -> dict[str, Any]:
    # Only who comes first is hurried: the other may be slow, on a slow machine.
    waits = {"ttft_timeout_s": 10, "idle_timeout_s": 3} if name == "first" else {}
    return {
        "name": f"{name}-{kind}",
        "kind": kind,
        "base_url": url + KINDS[kind],
        "model": "smollm2-135m",
        **waits,
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", ENDS)
def test_a_server_that_ends_in_midst_of_an_answer_is_told_and_the_next_one_goes_on(
    model_weights: Path, llama_server: str, tmp_path: Path, end: str, dialect: ClientDialect
) -> None:
    kind = SAME_KIND[dialect]
    with house(model_weights, llama_server, tmp_path) as (gateway, server):
        request_id = fresh_id()
        read = _spoilt_in_its_midst(gateway, dialect, request_id, lambda: ENDS[end](server))

        assert not is_terminated(dialect, read)
        assert len([frame for frame in frames(read) if "error" in frame]) == 1
        assert "error" in frames(read)[-1]
        story = gateway.story(request_id)
        assert [event["failure"] for event in only(story, "provider-failed-midstream")] == ["broken-off"]
        assert story[-1]["outcome"] == "broken-off"
        assert _turns(gateway, dialect, 2) == [f"second-{kind}"] * 2


def test_a_server_killed_between_two_requests_is_the_next_ones_to_answer_for(
    model_weights: Path, llama_server: str, tmp_path: Path
) -> None:
    with house(model_weights, llama_server, tmp_path) as (gateway, server):
        assert _turns(gateway, "openai_chat", 1) == ["first-openai_compat"]
        kill(server)

        assert _turns(gateway, "openai_chat", 2) == ["second-openai_compat"] * 2
        reasons = {event["failure"] for event in only(gateway.events(), "provider-failed")}
        assert reasons == {"unreachable"}


def test_a_server_that_loads_its_model_is_passed_by_until_it_has(
    model_weights: Path, llama_server: str, tmp_path: Path
) -> None:
    port = _free_port()
    with between(port, llama_server, tmp_path) as gateway:
        for _ in range(10):
            with listening(model_weights, port):
                refusals = _refusals_until_it_answers(gateway)
            # It says so for less than a second, between its first breath and the last of the weights.
            if any("Loading model" in refusal for refusal in refusals):
                return
    pytest.fail(f"it was never met loading: {gateway.log}")


def test_a_server_that_runs_out_of_memory_is_passed_by_for_what_is_too_much_for_it(
    model_weights: Path, tmp_path: Path
) -> None:
    port = _free_port()
    with (
        listening(model_weights, port) as server,
        served_in_thread(ScriptedUpstream(Answer.text("There is room here."))) as roomy,
        between(port, f"http://127.0.0.1:{roomy.port}", tmp_path) as gateway,
    ):
        wait_until(lambda: _answers(port), within_s=120)
        _leave_room(server, 8 << 20)
        too_much = ask(gateway, "openai_chat", "default", max_tokens=4, metadata=LARGE)
        little = ask(gateway, "openai_chat", "default", max_tokens=4)

        assert too_much.headers["x-coderouter-provider"] == "second", too_much.text[:500]
        assert too_much.status_code == 200
        (failure,) = only(gateway.story(too_much.headers["x-request-id"]), "provider-failed")
        assert (failure["failure"], failure["status"]) == ("out-of-memory", 500)
        assert (little.status_code, little.headers["x-coderouter-provider"]) == (200, "first")


LARGE = {"note": "a horse " * 750_000}
"""No part of the prompt: one too long for the window that the server tells would not be sent to it."""


@contextmanager
def listening(weights: Path, port: int) -> Iterator[Server]:
    """A model server that has just been started at this port, loading."""
    options = ModelOptions(weights=str(weights), threads=1, sleep_after_s=-1)
    command = [sys.executable, "-m", "tests.live.server_on_a_port"]
    arguments = [json.dumps(asdict(options)), str(port), str(os.getpid())]
    with subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},  # what is set aside for threads is room that nobody sees
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def between(port: int, second: str, folder: Path) -> Iterator[Gateway]:
    """A gateway that asks the first as long as that can answer."""
    providers = [provider("first", f"http://127.0.0.1:{port}"), provider("second", second)]
    profiles = [{"name": "default", "providers": ["first", "second"]}]
    with running(folder, {"providers": providers, "profiles": profiles}) as gateway:
        yield gateway


def _refusals_until_it_answers(gateway: Gateway) -> list[str]:
    """Why the first could not answer, request by request, each of which somebody did."""
    refusals: list[str] = []
    for _ in range(2_000):
        answer = ask(gateway, "openai_chat", "default", max_tokens=1)
        assert answer.status_code == 200, answer.text
        if answer.headers["x-coderouter-provider"] == "first":
            return refusals
        story = gateway.story(answer.headers["x-request-id"])
        refusals += [event["error"] for event in only(story, "provider-failed")]
    pytest.fail(f"the first never answered: {refusals[-3:]}")


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health", verify=TLS).status_code == 200
    return False


def _leave_room(server: Server, room_bytes: int) -> None:
    """It gets no more memory than it has, and so much."""
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + room_bytes
    resource.prlimit(server.pid, resource.RLIMIT_AS, (most, most))


def _spoilt_in_its_midst(
    gateway: Gateway, dialect: ClientDialect, request_id: str, spoil: Callable[[], None]
) -> str:
    """What the client read of a story whose teller is spoilt at its first words."""
    lines: list[str] = []
    with httpx.stream(
        "POST",
        gateway.address + PATHS[dialect],
        json=question(SAME_KIND[dialect], messages=STORY, max_tokens=2_000, stream=True),
        headers={"x-request-id": request_id},
        timeout=120,
        verify=TLS,
    ) as answer:
        assert answer.status_code == 200
        spoilt = False
        for line in answer.iter_lines():
            lines.append(line)
            if not spoilt and _has_words(line):
                spoil()
                spoilt = True
    return "\n".join(lines)


def _has_words(line: str) -> bool:
    return any(words in line and f'{words}"' not in line for words in FIRST_WORDS)


def _turns(gateway: Gateway, dialect: ClientDialect, times: int) -> list[str]:
    """Who answered each of the turns that follow."""
    answers = [ask(gateway, dialect, SAME_KIND[dialect], max_tokens=4, stream=True) for _ in range(times)]
    assert [answer.status_code for answer in answers] == [200] * times
    assert all(is_terminated(dialect, answer.text) for answer in answers)
    # Not from a header: those may leave before somebody answers.
    return [str(gateway.completed(answer.headers["x-request-id"])["provider"]) for answer in answers]
