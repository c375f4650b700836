"""Asking upstreams whether they are there: by reading alone, with the credential that is theirs."""

from collections.abc import Mapping

import httpx
import pytest

from adapters.outbound.anthropic import anthropic
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ProbeProvider
from domain.routing.targets import ProbePlan, ProviderSpec
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from tests.fakes.fixed_clock import FixedClock


class Server(httpx.AsyncBaseTransport):
    """Answers some paths, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        body = self._answers.get(request.url.path)
        return httpx.Response(404 if body is None else 200, content=body or b"{}")


def asking(
    factory: ProviderFactory,
    server: Server,
    base_url: str,
    *,
    window: int | None = None,
    path: str = "",
) -> ProbeProvider:
    kit = ProviderKit(
        transport=server,
        clock=FixedClock(),
        secret="the-key",
        model_server=AbsentModelServer(ModelMissing(())),
        user_agent="test",
    )
    spec = ProviderSpec(
        name="p",
        adapter="x",
        base_url=base_url,
        model="m",
        context_window=window,
        probe=ProbePlan(path=path) if path else None,
    )
    provider = factory(spec, kit)
    assert isinstance(provider, ProbeProvider)
    return provider


LISTED = b'{"data":[{"id":"m","max_model_len":8192}]}'
UNTOLD = b'{"data":[{"id":"m"}]}'


@pytest.mark.parametrize(
    ("factory", "base_url", "credential"),
    [
        (openai_compatible, "http://h:1/v1", ("authorization", "Bearer the-key")),
        (anthropic, "http://h:1", ("x-api-key", "the-key")),
    ],
)
async def test_the_list_of_models_is_read(
    factory: ProviderFactory, base_url: str, credential: tuple[str, str]
) -> None:
    server = Server({"/v1/models": LISTED})

    probed = await asking(factory, server, base_url).probe()

    assert probed.windows == {"m": 8192}
    (request,) = server.asked
    assert (request.method, request.url.path) == ("GET", "/v1/models")
    assert request.headers[credential[0]] == credential[1]


async def test_llama_cpp_tells_beside_its_list() -> None:
    props = b'{"default_generation_settings":{"n_ctx":4096}}'
    server = Server({"/v1/models": UNTOLD, "/props": props})

    assert (await asking(openai_compatible, server, "http://h:1/v1").probe()).windows == {"m": 4096}


async def test_lm_studio_tells_in_a_list_of_its_own() -> None:
    own = b'{"data":[{"id":"m","loaded_context_length":2048}]}'
    server = Server({"/v1/models": UNTOLD, "/api/v0/models": own})

    assert (await asking(openai_compatible, server, "http://h:1/v1").probe()).windows == {"m": 2048}


async def test_a_server_that_tells_nothing_is_there_all_the_same() -> None:
    server = Server({"/v1/models": UNTOLD})

    assert (await asking(openai_compatible, server, "http://h:1/v1").probe()).windows == {}
    assert {request.method for request in server.asked} == {"GET"}


@pytest.mark.parametrize(("window", "told"), [(None, {"m": 4096}), (32768, {})])
async def test_ollama_is_asked_what_it_has_in_memory(window: int | None, told: Mapping[str, int]) -> None:
    server = Server({"/api/ps": b'{"models":[{"name":"m","context_length":4096}]}'})

    probed = await asking(ollama, server, "http://h:1", window=window).probe()

    assert probed.windows == told
    assert [request.method for request in server.asked] == ["GET"]


@pytest.mark.parametrize("factory", [openai_compatible, anthropic, ollama])
async def test_a_path_of_the_configuration_is_all_that_is_read(factory: ProviderFactory) -> None:
    server = Server({"/health": b"ok"})

    await asking(factory, server, "http://h:1/v1", path="/health").probe()

    assert [request.url.path for request in server.asked] == ["/health"]


async def test_whoever_refuses_is_not_there() -> None:
    with pytest.raises(UpstreamFailure) as caught:
        await asking(openai_compatible, Server({}), "http://h:1/v1").probe()

    assert caught.value.kind is FailureKind.MODEL_MISSING
