"""The same, on the server that we ship: how Granian reports a client that leaves is what it all hangs on."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.inbound.gateway import CHAT, MESSAGES, chat
from tests.upstream.scripted_upstream import held_port

ROOT = Path(__file__).parents[3]
PROMPT_S = 0.5
"""How soon the upstream is to be free after its client left; the tests allow five times that."""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address, and the file with all that it prints."""
    printed = tmp_path_factory.mktemp("granian") / "printed"
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--port"]
    with held_port() as port, printed.open("wb") as out:
        process = subprocess.Popen(
            [*command, str(port), "tests.adapters.inbound.served:app"],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}", printed
        finally:
            process.terminate()
            process.wait(20)


def wait_until_up(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("granian did not start")


def told(address: str) -> Any:
    return httpx.get(f"{address}/told").json()


def ask(address: str, path: str, body: object) -> socket.socket:
    """A connection on which a request was sent."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
    connection.sendall(head.encode() + content)
    return connection


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("stream", "profile"),
    [
        pytest.param(True, "default", id="before-the-first-byte"),
        pytest.param(True, "solo", id="mid-stream"),
        pytest.param(False, "default", id="whole-before-the-first-word"),
        pytest.param(False, "solo", id="whole-in-its-midst"),
    ],
)
def test_the_upstream_is_free_soon_after_its_client_left(
    server: tuple[str, Path], path: str, stream: bool, profile: str
) -> None:
    address, printed = server
    before = told(address)
    connection = ask(address, path, chat(stream=stream, profile=profile))
    while told(address)["asked"] == before["asked"]:
        time.sleep(0.02)
    if stream and profile == "solo":
        assert b"Hello" in read_until(connection, b"Hello")
    connection.close()
    left_at = time.monotonic()

    while (after := told(address))["ended"] == before["ended"]:
        assert time.monotonic() - left_at < 5 * PROMPT_S
        time.sleep(0.01)

    assert after["outcomes"][len(before["outcomes"]) :] == ["client-left"]
    assert after["errors"] == []
    assert not any(word in printed.read_text() for word in ("Traceback", "ERROR", "WARNING", "exception"))


def read_until(connection: socket.socket, words: bytes) -> bytes:
    got = b""
    while words not in got:
        piece = connection.recv(65536)
        assert piece, got
        got += piece
    return got


def test_wrong_paths_and_methods_have_our_envelopes(server: tuple[str, Path]) -> None:
    address, _ = server

    assert httpx.get(f"{address}{CHAT}").json()["error"]["message"]
    assert httpx.get(f"{address}{MESSAGES}").json()["type"] == "error"
    assert httpx.get(f"{address}/nothing").json()["error"]["message"]
    assert httpx.head(f"{address}/").status_code == 200
