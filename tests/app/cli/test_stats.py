"""What a running gateway has counted, on a terminal and for scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main
from app.cli.stats_text import duration, told

DOCUMENT: dict[str, Any] = {
    "uptime_s": 184.2,
    "counters": {
        "requests_total": 3,
        "requests_by_outcome": {"answered": 2, "failed": 1},
        "provider_attempts": {"local": 3, "cloud": 1},
        "fallbacks": {"local": {"overloaded": 1}},
        "capability_degraded": {"thinking": 2},
    },
    "providers": [
        {
            "name": "local",
            "attempts": 3,
            "outcomes": {"ok": 1, "failed": 1, "failed_midstream": 1},
            "last_error": {"status": 503, "error": "busy " * 20},
            "cost": {"total_usd": 0.0},
        },
        {"name": "cloud", "attempts": 1, "outcomes": {"ok": 1}, "cost": {"total_usd": 0.0125}},
    ],
    "recent": [
        {"ts": "2026-11-27T10:00:00.000Z", "event": "try-provider", "provider": "local"},
        {"ts": "2026-11-27T10:00:01.000Z", "event": "provider-failed", "provider": "local", "status": 503},
        {"ts": "2026-11-27T10:00:02.000Z", "event": "provider-ok", "provider": "cloud"},
    ],
    "config": {"default_profile": "coding", "display_timezone": "Europe/Berlin"},
}


IDENTITY = b'{"name": "CodeRouter", "providers": ["local"]}'
"""What a gateway says of itself to anybody."""


@contextmanager
def telling(body: bytes, status: int = 200, *, wanted_key: str = "") -> Iterator[str]:
    """A gateway that tells this, at an address of its own."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            let_in = self.headers.get("authorization", "") == (f"Bearer {wanted_key}" if wanted_key else "")
            public = self.path == "/"
            told = IDENTITY if public else body
            self.send_response(200 if public else status if let_in else 401)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(*arguments: str) -> Result:
    unset = {"CODEROUTER_KEY": None, "CODEROUTER_CONFIG": None}
    return CliRunner().invoke(main, ["stats", *arguments], env=unset)


@pytest.mark.parametrize("path", ["", "/", "/metrics.json"])
def test_it_is_told_as_text_where_nobody_watches(path: str) -> None:
    with telling(json.dumps(DOCUMENT).encode()) as url:
        result = run("--url", f"{url}{path}")

    assert result.exit_code == 0, result.output
    assert "profile coding · up 3m 04s · 3 requests · Europe/Berlin" in result.output
    assert "2 answered · 1 failed" in result.output
    assert "1 in 4 attempts for 3 requests" in result.output
    assert "2 thinking" in result.output


def test_each_provider_has_its_line_and_the_latest_attempt_stands_first() -> None:
    lines = told(DOCUMENT).splitlines()

    (local,) = (line for line in lines if line.strip().startswith("local "))
    assert local.split()[:5] == ["local", "3", "50", "%", "2"]
    assert "503 busy" in local
    recent = lines[lines.index("Recent") + 1 :]
    assert recent[0].split() == ["11:00:02", "cloud", "ok"]
    assert recent[1].split() == ["11:00:01", "local", "FAIL", "(503)"]


def test_the_document_itself_is_for_scripts() -> None:
    with telling(json.dumps(DOCUMENT).encode()) as url:
        result = run("--url", url, "--json")

    assert json.loads(result.output) == DOCUMENT


def test_a_key_goes_along() -> None:
    with telling(json.dumps(DOCUMENT).encode(), wanted_key="cr_ab12_secret") as url:
        assert run("--url", url, "--key", "cr_ab12_secret").exit_code == 0
        refused = [run("--url", url), run("--url", url, "--key", "cr_cd34_wrong")]

    for each in refused:
        assert each.exit_code == 7
        assert "--key, or CODEROUTER_KEY in the environment" in each.output
        assert "--scope metrics" in each.output


def test_the_gateway_of_the_configuration_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    with telling(json.dumps(DOCUMENT).encode()) as url:
        file.write_text(f"server: {{host: 0.0.0.0, port: {url.rpartition(':')[2]}}}", encoding="utf-8")
        result = run("--config", str(file))

    assert result.exit_code == 0, result.output
    assert "3 requests" in result.output


@pytest.mark.parametrize("body", [b"not json", b"[]", b"\xff", b"{}", IDENTITY])
def test_what_is_no_gateway_is_told(body: bytes) -> None:
    with telling(body) as url:
        result = run("--url", url)

    assert result.exit_code == 2
    assert "answers something else" in result.output


def test_nobody_there_is_told_without_a_traceback() -> None:
    result = run("--url", "http://127.0.0.1:9/metrics.json")

    assert result.exit_code == 2
    assert "no gateway answers at http://127.0.0.1:9/metrics.json" in result.output
    assert "Traceback" not in result.output


def test_an_empty_document_reads_as_nothing() -> None:
    text = told({})

    assert "none has been asked yet" in text
    assert "nothing yet" in text


def test_an_odd_zone_or_time_does_not_end_it() -> None:
    odd = {**DOCUMENT, "config": {"display_timezone": "Nowhere/Here"}, "recent": [{"ts": "odd"}]}

    assert "--:--:--" in told(odd)


@pytest.mark.parametrize(("seconds", "words"), [(0, "0s"), (59.9, "59s"), (60, "1m 00s"), (3600, "1h 00m")])
def test_spans_are_told_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words
