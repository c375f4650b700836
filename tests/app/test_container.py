"""Everything that the container knows how to make can be made."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from app.asgi import create_app
from app.container import Container, container_for
from app.launch import find_launch
from app.use_cases.quotas import Quotas
from app.use_cases.spending import BudgetGate
from app.use_cases.watch_health import WatchHealth
from domain.events import Event
from domain.inventory.lifetime import Started
from domain.ports.observation import EventSink

FILE = """\
providers:
  - {name: openai, base_url: "http://127.0.0.1:9/v1", model: m}
  - {name: anthropic, kind: anthropic, base_url: "http://127.0.0.1:9", model: m, api_key_env: PLANTED}
  - {name: small, kind: embedded}
profiles:
  - {name: default, providers: [openai, anthropic, small]}
"""

GIVEN_LATER: dict[str, dict[str, Any]] = {
    "provider_kit": {"secret": ""},
    "conversation_route": {"dialect": OPENAI_CHAT},
}
"""What a factory is called with by whoever uses it."""


@pytest.fixture
def log() -> BytesIO:
    return BytesIO()


@pytest.fixture
def container(tmp_path: Path, log: BytesIO) -> Iterator[Container]:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")
    launch = find_launch({"PLANTED": "planted-key", "HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path)
    container = container_for(launch)
    container.log_stream.override(log)
    yield container
    container.event_log().close()


def test_every_dependency_is_defined(container: Container) -> None:
    container.check_dependencies()


@pytest.mark.parametrize("name", sorted(Container.providers))
def test_it_builds(container: Container, name: str) -> None:
    """A misspelt keyword is invisible to the type checker; building is what finds it."""
    assert container.providers[name](**GIVEN_LATER.get(name, {})) is not None


def test_nothing_is_made_twice_that_holds_anything(container: Container) -> None:
    held = ["clock", "http_clients", "model_server", "sink", "directory", "converse", "readiness"]

    assert all(container.providers[name]() is container.providers[name]() for name in held)


def test_what_one_gateway_holds_another_does_not(container: Container) -> None:
    other = container_for(container.launch())

    assert other.readiness() is not container.readiness()
    assert other.http_clients() is not container.http_clients()


def test_the_application_is_made_of_it(container: Container) -> None:
    assert callable(create_app(container))


def test_no_event_carries_a_providers_key(container: Container, log: BytesIO) -> None:
    sink: EventSink = container.sink()
    event: Event = Started(
        version="planted-key",
        providers=("planted-key",),
        profiles=(),
        default_profile="",
        allow_paid=False,
        mode_source="",
    )

    sink.emit(event)
    container.event_log().close()

    assert b"coderouter-startup" in log.getvalue()
    assert b"planted-key" not in log.getvalue()


def test_budgets_are_asked_before_plans_and_plans_before_pauses(container: Container) -> None:
    gates = container.gates()

    assert [type(getattr(gate, "__self__", gate)) for gate in gates] == [BudgetGate, Quotas, WatchHealth]
