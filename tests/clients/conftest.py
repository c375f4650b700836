"""One gateway for all clients, in front of scripted upstreams and a real small model."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.weights import ModelMissing, find_embedded_model
from tests.e2e.clients import forgive
from tests.e2e.gateway import Event, Gateway, only, running
from tests.e2e.stage import Stage, staged
from tests.live.conftest import TOOLS_TEMPLATE, served
from tests.upstream.scripted_upstream import wait_until

Finished: TypeAlias = Callable[[int], list[Event]]

COMMAND = "echo round-trip-$((6 * 7))"
PRINTED = "round-trip-42"
"""Only a shell that really ran the command knows this."""

BASH = ("Bash", {"command": COMMAND, "description": "Say it"})
EXEC_COMMAND = ("exec_command", {"cmd": COMMAND})
"""How Claude Code and Codex want to be asked to run it."""


@pytest.fixture(scope="session")
def model_server() -> Iterator[str]:
    """The base URL of a small model that writes a tool call when it must, and says little otherwise."""
    found = find_embedded_model()
    if isinstance(found, ModelMissing):
        pytest.fail(str(found))
    options = ModelOptions(
        weights=str(found.weights),
        threads=1,  # steadier than two on a machine that others use
        sleep_after_s=-1,
        chat_template=str(TOOLS_TEMPLATE),
        template_arguments={"force_tool": True},
    )
    with served(options) as url:
        yield url


@pytest.fixture(scope="session")
def whole_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage) -> Stage:
    """Scripted upstreams that have seen nothing yet."""
    whole_stage.forget()
    return whole_stage


@pytest.fixture
def gateway(whole_gateway: Gateway) -> Gateway:
    """The gateway, which holds nothing against anybody."""
    forgive(whole_gateway)
    return whole_gateway


@pytest.fixture(scope="session")
def whole_gateway(
    whole_stage: Stage, model_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """
    A gateway over the whole stage and the model.

    The providers `small-openai_compat` and `small-anthropic` are the model as it is. `brief` ends at the
    first sentence; `bash-caller` and `exec-caller` do so too, and begin with the calls `BASH` and
    `EXEC_COMMAND`.
    """
    config = whole_stage.config(
        providers=_small(model_server),
        profiles=[{"name": "small", "providers": ["small-openai_compat"]}],
        default_profile="small",
    )
    with running(tmp_path_factory.mktemp("gateway"), config) as gateway:
        yield gateway


def _small(url: str) -> list[dict[str, Any]]:
    steady = {"temperature": 0}
    brief = {"stop": ["\n", "."], **steady}
    return [
        _provider("small-openai_compat", f"{url}/v1", extra_body=steady),
        _provider("small-anthropic", url, kind="anthropic", extra_body=steady),
        _provider("brief", f"{url}/v1", extra_body=brief),
        _provider("bash-caller", f"{url}/v1", extra_body={**brief, **_calling(*BASH)}),
        _provider("exec-caller", f"{url}/v1", extra_body={**brief, **_calling(*EXEC_COMMAND)}),
    ]


def _provider(name: str, url: str, *, kind: str = "openai_compat", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "base_url": url, "model": "smollm2-135m", **more}


def _calling(name: str, arguments: dict[str, str]) -> dict[str, Any]:
    call = json.dumps({"name": name, "arguments": arguments})
    return {"chat_template_kwargs": {"scripted_call": call}}


@pytest.fixture
def finished(gateway: Gateway) -> Finished:
    """Waits until so many requests of this test are over, and gives the events that tell of all of them."""
    before = len(only(gateway.events(), "request-completed"))

    def events(count: int) -> list[Event]:
        def told() -> list[Event]:
            return only(gateway.events(), "request-completed")[before:]

        wait_until(lambda: len(told()) >= count)
        return told()

    return events
