"""The health check of the container says whether the gateway answers, and says it in time."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.architecture.tree import ROOT
from tests.upstream.scripted_upstream import refusing_port

SCRIPT = ROOT / "deploy" / "healthcheck.py"

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  what the image is told to bind
HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def answering(answer: bytes | None, host: str = "127.0.0.1") -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives every caller this answer, or none at all; and what it was asked."""
    asked: list[bytes] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(1024))
                if answer is None:
                    connection.recv(1)
                else:
                    connection.sendall(answer)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield server.getsockname()[1], asked
        serving.join(timeout=30)


def verdict(port: int, host: str = EVERY_ADDRESS) -> int:
    variables = {"CODEROUTER_SERVER__HOST": host, "CODEROUTER_SERVER__PORT": str(port)}
    return subprocess.run([sys.executable, "-I", "-S", str(SCRIPT)], env=variables, check=False).returncode


@pytest.mark.parametrize(
    ("bound", "host"), [(EVERY_ADDRESS, "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::", "::1")]
)
def test_a_gateway_that_answers_is_healthy_whatever_it_is_bound_to(bound: str, host: str) -> None:
    with answering(HEALTHY, host) as (port, asked):
        assert verdict(port, bound) == 0

    assert asked == [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b""])
def test_any_other_answer_is_not(answer: bytes) -> None:
    with answering(answer) as (port, _):
        assert verdict(port) == 1


def test_a_port_on_which_nobody_listens_is_not() -> None:
    with refusing_port() as port:
        assert verdict(port) == 1


@pytest.mark.slow
def test_silence_is_not_and_is_told_before_the_engine_loses_patience() -> None:
    with answering(None) as (port, _):
        began_at = time.monotonic()
        assert verdict(port) == 1

        assert time.monotonic() - began_at < 30
