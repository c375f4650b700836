"""Looking around on this machine finds model servers, and is kept up by nothing else that listens."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infrastructure.loopback_probes import PATIENCE_S, listed_models

LIST = b'{"object":"list","data":[{"id":"qwen3"},{"id":"gemma3"}]}'


@contextmanager
def listening(body: bytes, *, status: int = 200, drips: int = 0) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the server's naming
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)
            for _ in range(drips):
                time.sleep(0.2)
                self.wfile.write(b" ")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/models"
    finally:
        server.shutdown()
        server.server_close()


def test_a_model_server_is_found_with_its_models() -> None:
    with listening(LIST) as url:
        assert listed_models([url]) == {url: ("qwen3", "gemma3")}


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data":3}', b'{"data":[{}]}', b"[" * 100_000, b""])
def test_what_answers_otherwise_is_no_finding(body: bytes) -> None:
    with listening(body) as url:
        assert listed_models([url]) == {}


def test_an_error_and_an_empty_port_are_no_findings() -> None:
    with listening(LIST, status=404) as url:
        assert listed_models([url, "http://127.0.0.1:9/v1/models"]) == {}


def test_a_server_that_never_comes_to_an_end_does_not_keep_the_start_up() -> None:
    with listening(b"[", drips=100) as url:
        began = time.monotonic()

        assert listed_models([url]) == {}
        assert time.monotonic() - began < PATIENCE_S * 10
