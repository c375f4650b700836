"""A machine that sleeps is woken by the request that needs it, and its client gets the answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.clients import DIALECTS, TLS, ClientDialect, ask, asking, said
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import Stage, fresh_id, provider
from tests.upstream.scripted_upstream import ScriptedUpstream, held_port, served_in_thread, wait_until

MAC = "a8:a1:59:3c:07:e2"
PACKET = b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16
BOOTS_IN_S = 1.5


class Machine:
    """Refuses connections until a magic packet has come, and serves a little later."""

    def __init__(self, stack: ExitStack) -> None:
        self.upstream = ScriptedUpstream()
        self.packets: list[bytes] = []
        self.upstream.port = stack.enter_context(held_port())
        self._card = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._card.bind(("127.0.0.1", 0))
        self._card.settimeout(0.05)
        self._off = threading.Event()
        listening = threading.Thread(target=self._listen)
        listening.start()
        stack.callback(listening.join)
        stack.callback(self._off.set)

    @property
    def card(self) -> str:
        return f"127.0.0.1:{self._card.getsockname()[1]}"

    def _listen(self) -> None:
        with ExitStack() as power:
            while not self._off.is_set():
                try:
                    self.packets.append(self._card.recv(1024))
                except TimeoutError:
                    continue
                if len(self.packets) == 1 and self.packets[0] == PACKET:
                    time.sleep(BOOTS_IN_S)
                    power.enter_context(served_in_thread(self.upstream))


@pytest.fixture
def machine() -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(stack)


def house(machine: Machine, stage: Stage, *, ready_within_s: float) -> dict[str, Any]:
    wake = {"mac": MAC, "ready_within_s": ready_within_s, "broadcast": machine.card}
    return {
        "providers": [
            provider("desktop", "openai_compat", machine.upstream.port, wake_on_lan=wake, ttft_timeout_s=30),
            provider("first", "openai_compat", stage["first"].port),
        ],
        "profiles": [{"name": "default", "providers": ["desktop-openai_compat", "first-openai_compat"]}],
        "server": {"stream_hold_s": 0.5, "ping_interval_s": 0.5},
    }


def host_state(gateway: Gateway) -> str:
    providers = httpx.get(f"{gateway.address}/admin/health", verify=TLS).json()["providers"]
    assert "host" not in providers[1]
    return str(providers[0]["host"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_client_gets_pings_and_then_the_answer_of_the_machine_that_was_woken(
    machine: Machine, stage: Stage, tmp_path: Path, dialect: ClientDialect
) -> None:
    with running(tmp_path, house(machine, stage, ready_within_s=25)) as gateway:
        request_id = fresh_id()
        with asking(gateway, dialect, "default", request_id) as response:
            response.read()

        assert said(dialect, response) == "hello world"
        assert response.text.count("ping") >= 2
        assert machine.packets[0] == PACKET
        story = gateway.story(request_id)
        assert [event["new_state"] for event in only(story, "host-sleep-changed")][-1] == "awake"
        (awaited,) = only(story, "host-awaited")
        assert awaited["came"]
        assert awaited["waited_ms"] > 500
        assert story[-1]["provider"] == "desktop-openai_compat"
        assert host_state(gateway) == "awake"
    assert len(machine.packets) == 1


def test_who_cannot_wait_is_answered_elsewhere_and_finds_it_awake_later(
    machine: Machine, stage: Stage, tmp_path: Path
) -> None:
    with running(tmp_path, house(machine, stage, ready_within_s=40)) as gateway:
        answer = ask(gateway, "openai_chat", "default")
        assert said("openai_chat", answer) == "hello world"
        assert answer.headers["x-coderouter-provider"] == "first-openai_compat"
        assert answer.headers["x-coderouter-fallback-reason"] == "asleep"

        wait_until(lambda: host_state(gateway) == "awake", within_s=20)

        answer = ask(gateway, "openai_chat", "default")
        assert answer.headers["x-coderouter-provider"] == "desktop-openai_compat"
        health = httpx.get(f"{gateway.address}/admin/health", verify=TLS).json()["providers"][0]
        assert (health["state"], health["consecutive_failures"]) == ("healthy", 0)
        metrics = httpx.get(f"{gateway.address}/metrics.json", verify=TLS).json()
        assert metrics["counters"]["provider_wake_packets"] == {"desktop-openai_compat": 1}
        assert [one["host"] for one in metrics["providers"] if "host" in one] == ["awake"]
