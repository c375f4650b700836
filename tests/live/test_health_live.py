"""A real model server that hangs is passed by until it is back; one that is small says how small it is."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.model_server import child
from infrastructure.model_server.child import ModelOptions
from tests.e2e.clients import DIALECTS, OTHER_KIND, TLS, ClientDialect, ask
from tests.e2e.gateway import Gateway, only, running
from tests.upstream.scripted_upstream import wait_until

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

LONG = "word " * 2_000


@contextmanager
def process(options: ModelOptions) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A model server as a process that a test may freeze, and its address."""
    command = [sys.executable, child.__file__, json.dumps(asdict(options)), str(os.getpid())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        yield server, json.loads(server.stdout.readline())["url"]
        server.kill()


def provider(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "base_url": f"{url}/v1", "model": "smollm2-135m", **more}


def health(gateway: Gateway, name: str) -> str:
    told = httpx.get(f"{gateway.address}/admin/health", verify=TLS).json()["providers"]
    return str(next(one["state"] for one in told if one["provider"] == name))


def answered_by(gateway: Gateway) -> str:
    answer = ask(gateway, "openai_chat", "default", max_tokens=4, stream=True)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-coderouter-provider"]


def test_a_server_that_hangs_is_passed_by_and_noticed_when_it_is_back(
    model_weights: Path, llama_server: str, tmp_path: Path
) -> None:
    options = ModelOptions(weights=str(model_weights), threads=1, sleep_after_s=-1)
    with process(options) as (server, url):
        profile = {
            "name": "default",
            "providers": ["first", "second"],
            "backend_health_action": "demote",
            "backend_health_threshold": 2,
            "half_open_s": 1,
        }
        providers = [provider("first", url, ttft_timeout_s=3), provider("second", llama_server)]
        with running(tmp_path, {"providers": providers, "profiles": [profile]}) as gateway:
            server.send_signal(signal.SIGSTOP)
            for _ in range(4):
                assert answered_by(gateway) == "second"
            assert health(gateway, "first") == "unhealthy"
            server.send_signal(signal.SIGCONT)

            wait_until(lambda: health(gateway, "first") == "healthy", within_s=60.0)

            wait_until(lambda: answered_by(gateway) == "first", within_s=60.0)
            changes = only(gateway.events(), "backend-health-changed")
            assert [change["new_state"] for change in changes] == ["degraded", "unhealthy", "healthy"]


@pytest.fixture(scope="module")
def small(model_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server with little room, which as one in the cloud nobody asks how much that is."""
    options = ModelOptions(weights=str(model_weights), threads=1, sleep_after_s=-1, context_tokens=512)
    with process(options) as (_, url):
        providers = [
            provider("small-openai_compat", url, locality="cloud"),
            {
                "name": "small-anthropic",
                "kind": "anthropic",
                "base_url": url,
                "model": "smollm2-135m",
                "locality": "cloud",
            },
        ]
        profiles = [{"name": "default", "providers": [each["name"] for each in providers]}]
        with running(
            tmp_path_factory.mktemp("small"), {"providers": providers, "profiles": profiles}
        ) as gateway:
            yield gateway


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_prompt_that_is_too_long_is_refused_in_words_that_clients_act_on(
    small: Gateway, dialect: ClientDialect
) -> None:
    messages = [{"role": "user", "content": LONG}]

    for _ in range(2):  # by the server's own words, then before anything is sent
        answer = ask(small, dialect, f"small-{OTHER_KIND[dialect]}", max_tokens=16, messages=messages)

        assert answer.status_code == 400
        assert re.match(r"prompt is too long: \d+ tokens > \d+ maximum", answer.json()["error"]["message"])


def test_the_window_that_a_server_names_is_learned(small: Gateway) -> None:
    ask(small, "openai_chat", "small-anthropic", max_tokens=16, messages=[{"role": "user", "content": LONG}])

    wait_until(lambda: bool(only(small.events(), "context-window-learned")))
    assert {event["tokens"] for event in only(small.events(), "context-window-learned")} == {512}
    short = ask(small, "openai_chat", "small-anthropic", max_tokens=4)
    assert short.status_code == 200
