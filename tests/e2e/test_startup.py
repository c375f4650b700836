"""A gateway that cannot start says why, in words, and with an exit code that a script can act on."""

import socket
from pathlib import Path

import httpx
import pytest

from tests.e2e.gateway import names, started
from tests.e2e.stage import Stage
from tests.upstream.scripted_upstream import wait_until

BROKEN = """\
providers:
  - name: one
    base_url: http://127.0.0.1:9/v1
    model: m
    paied: true
profiles:
  - name: default
    providers: [one, two]
"""


def test_a_faulty_configuration_is_told_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text(BROKEN, encoding="utf-8")

    with started(tmp_path, arguments=("--config", str(path))) as gateway:
        assert gateway.exit_code() == 2
        assert f"{path}:5" in gateway.log
        assert "paied" in gateway.log
        assert f"{path}:8" in gateway.log
        assert "Traceback" not in gateway.log


def test_a_port_in_use_is_told(stage: Stage, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, stage.config(), arguments=("--port", str(port))) as gateway:
            assert gateway.exit_code() == 3
            assert f"cannot listen on 127.0.0.1:{port}" in gateway.log
            assert "in use" in gateway.log
            assert "Traceback" not in gateway.log
            assert "coderouter-startup" not in names(gateway.events())


@pytest.mark.parametrize("workers", [1, 2])
def test_it_tells_where_it_answers_and_with_what(stage: Stage, tmp_path: Path, workers: int) -> None:
    config = stage.config(server={"workers": workers})

    with started(tmp_path, config) as gateway:
        gateway.wait_until_ready()
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            health = client.get(f"{gateway.address}/healthz")
        # One worker may answer while the other is still on its way.
        wait_until(lambda: len(gateway.told("coderouter-startup")) >= workers, within_s=30)
        gateway.stop()

    assert "first-anthropic" in health.json()["providers"]
    startups = gateway.told("coderouter-startup")
    assert len(startups) == workers
    assert startups[0]["default_profile"] == "default"


def test_workers_end_with_the_process_that_started_them(stage: Stage, tmp_path: Path) -> None:
    with started(tmp_path, stage.config(server={"workers": 2})) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: len(gateway.workers()) == 2)
        workers = gateway.workers()

        gateway.process.kill()

        wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), within_s=20)
