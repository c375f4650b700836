"""The adapter that a configuration names is found, or the message says what there is."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.outbound.kit import ProviderKit
from app.providers import BUILT_IN, Providers, UnknownAdapter, UnusableAdapter, adapter, known_secrets
from config.schema.kinds import KINDS
from domain.conversation.reply import Batch
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import ProviderSpec, RoutingTable, SecretReference
from infrastructure.secrets import Secrets
from tests.fakes.fixed_clock import FixedClock


class NoModelServer:
    """There is none."""

    async def ensure_running(self) -> str:
        raise RuntimeError("there is none")


class LabModel:
    """An adapter of somebody else's; named in these tests by its import path."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self.spec = spec
        self.kit = kit

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield Batch(())


def refusing(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    raise ValueError("options.speed: expected a number")


def kit(**fields: Any) -> ProviderKit:
    return ProviderKit(
        transport=httpx.AsyncHTTPTransport(),
        clock=FixedClock(),
        model_server=NoModelServer(),
        user_agent="test",
        **fields,
    )


def table(*specs: ProviderSpec) -> RoutingTable:
    return RoutingTable(providers={spec.name: spec for spec in specs}, profiles={}, default_profile="")


def test_every_kind_of_the_schema_is_built_in() -> None:
    assert set(BUILT_IN) == set(KINDS)


@pytest.mark.parametrize("kind", ["openai_compat", "anthropic"])
def test_a_built_in_kind_asks_the_address_of_its_configuration(kind: str) -> None:
    spec = ProviderSpec(name="one", adapter=kind, base_url="http://there.test/v1")

    provider = adapter(kind)(spec, kit(secret=""))

    assert "http://there.test/v1/" in repr(provider)


def test_an_import_path_names_an_adapter_of_ones_own() -> None:
    path = f"{__name__}:LabModel"
    spec = ProviderSpec(name="lab", adapter=path, secret=SecretReference(env="LAB_KEY"))

    directory = Providers(table(spec), Secrets({"LAB_KEY": "planted"}), kit)

    provider = directory.providers["lab"]
    assert type(provider).__name__ == "LabModel"
    assert getattr(provider, "spec", None) is spec
    assert getattr(provider, "kit").secret == "planted"  # noqa: B009  imported a second time by its path


@pytest.mark.parametrize(
    "reference",
    ["no.such.module:Thing", "app.providers:NoSuchThing", ":Thing", f"{__name__}.faulty:Thing", "a b:c"],
)
def test_an_import_path_that_leads_nowhere_is_told(reference: str) -> None:
    with pytest.raises(UnusableAdapter, match="cannot be imported"):
        adapter(reference)


@pytest.mark.parametrize("reference", ["app.providers:", "app.providers:ENTRY_POINTS"])
def test_what_cannot_be_called_is_no_adapter(reference: str) -> None:
    with pytest.raises(UnusableAdapter, match="a class or function is wanted"):
        adapter(reference)


def test_an_adapter_that_refuses_its_configuration_is_told_with_the_providers_name() -> None:
    spec = ProviderSpec(name="lab", adapter=f"{__name__}:refusing")

    with pytest.raises(UnusableAdapter, match=r"'lab'.*ValueError: options\.speed"):
        Providers(table(spec), Secrets({}), kit)


def test_an_unknown_name_is_told_with_what_there_is() -> None:
    with pytest.raises(UnknownAdapter) as caught:
        adapter("olama")

    assert "'olama'" in str(caught.value)
    assert all(kind in str(caught.value) for kind in BUILT_IN)


def test_a_provider_whose_key_is_not_there_is_known_by_name() -> None:
    specs = [
        ProviderSpec(name="keyed", adapter="openai_compat", secret=SecretReference(env="A")),
        ProviderSpec(name="keyless", adapter="openai_compat", secret=SecretReference(env="B")),
        ProviderSpec(name="free", adapter="openai_compat"),
    ]

    directory = Providers(table(*specs), Secrets({"A": "planted", "B": " "}), kit)

    assert directory.without_credential == {"keyless"}
    assert set(directory.providers) == {"keyed", "keyless", "free"}


def test_the_keys_to_keep_out_of_the_log_are_all_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("planted-in-a-file\n", encoding="utf-8")
    specs = [
        ProviderSpec(name="one", adapter="anthropic", secret=SecretReference(env="A")),
        ProviderSpec(name="two", adapter="anthropic", secret=SecretReference(file=str(tmp_path / "key"))),
        ProviderSpec(name="three", adapter="anthropic", secret=SecretReference(env="MISSING")),
        ProviderSpec(name="four", adapter="anthropic"),
        ProviderSpec(name="five", adapter="anthropic", headers={"x-key": "planted-in-a-header"}),
    ]

    assert known_secrets(table(*specs), Secrets({"A": "planted"})) == (
        "planted",
        "planted-in-a-file",
        "planted-in-a-header",
    )
