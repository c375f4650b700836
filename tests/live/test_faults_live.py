"""A real model server that dies or hangs in the midst of an answer: clients are told, and go on."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from tests.live.test_health_live import process

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
