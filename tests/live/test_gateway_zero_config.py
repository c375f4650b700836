"""Without a file, a server or a key, the embedded model answers; it goes when the gateway goes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import DIALECTS, ClientDialect, ask, is_terminated, said
from tests.e2e.gateway import Gateway, only, running, started
from tests.infrastructure.model_server.processes import is_running, until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in an empty home."""
    with running(tmp_path_factory.mktemp("empty")) as gateway:
        yield gateway


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_embedded_model_answers(gateway: Gateway, dialect: ClientDialect, stream: bool) -> None:
    answer = ask(gateway, dialect, "anything", stream=stream, max_tokens=12)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer).strip()
    assert not stream or is_terminated(dialect, answer.text)
    assert answer.headers["x-coderouter-provider"] == "embedded"
    assert answer.headers["x-coderouter-model"] == "smollm2-135m"


def test_it_says_what_it_found(gateway: Gateway) -> None:
    (found,) = only(gateway.events(), "zero-config")

    assert found["found"] == ["no server and no key: the small embedded model answers"]
    assert "providers.yaml" in found["hint"]
    assert "the small embedded model answers" in gateway.log


@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_no_model_server_outlives_the_gateway(tmp_path: Path, way: str) -> None:
    with started(tmp_path) as gateway:
        gateway.wait_until_ready()
        answer = await asyncio.to_thread(ask, gateway, "openai_chat", "anything", max_tokens=2)
        assert answer.status_code == 200, answer.text
        children = _children(gateway.process.pid)
        assert children

        if way == "stopped":
            gateway.stop()
        else:
            gateway.process.kill()
            gateway.process.wait()

        await until(lambda: not any(map(is_running, children)))


def _children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text("ascii").split()]
