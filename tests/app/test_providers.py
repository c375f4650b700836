"""Every provider of a configuration is built, or everything that keeps one from it is told with its place."""

import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.kit import ProviderKit
from app.adapter_references import factory_named
from app.providers import Providers, known_secrets
from app.use_cases.plan_news import PlanNews
from config.load import load
from config.problems import ConfigError
from config.translate import routing_table
from domain.conversation.reply import TextDelta
from domain.ports.providers import ProviderCall
from domain.routing.targets import ProviderSpec, RoutingTable, SecretReference
from infrastructure.secrets import Secrets
from tests.adapters.outbound.kits import kit_over

CAST = """
from dataclasses import dataclass
from typing import Literal

from adapters.outbound.options import options_as
from domain.conversation.reply import Batch, Finished, TextDelta


@dataclass(frozen=True)
class Options:
    voice: Literal["calm", "loud"]
    speed: float = 1.0


class Model:
    def __init__(self, spec, kit):
        self.words = f"{spec.name} {kit.secret} {spec.options}"

    async def converse(self, call):
        yield Batch((TextDelta(self.words), Finished("end_turn")))


def choosy(spec, kit):
    options_as(Options, spec)
    return Model(spec, kit)


def refusing(spec, kit):
    raise ValueError(f"no such lab: {kit.secret}, {spec.options['lab_token']}")


def leaving(spec, kit):
    raise SystemExit(0)


def wild(spec, kit):
    raise BaseException("wild")


def forgetful(spec, kit):
    Model(spec, kit)


def dumb(spec, kit):
    return object()


def narrow(spec): ...


def thorny(spec, kit):
    class Thorny:
        def __getattr__(self, name):
            raise RuntimeError("do not touch")

    return Thorny()
"""


def kit(*, secret: str) -> ProviderKit:
    return kit_over(httpx.MockTransport(lambda request: httpx.Response(404)), secret=secret)


def table(*specs: ProviderSpec) -> RoutingTable:
    return RoutingTable(providers={spec.name: spec for spec in specs}, profiles={}, default_profile="")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with adapters that a configuration beside them may name."""
    (tmp_path / "lab_cast.py").write_text(CAST, "utf-8")
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    sys.modules.pop("lab_cast", None)


def configured(folder: Path, *entries: str) -> Providers:
    """What the providers of a file are built to; each entry is its line in the file, from 2 on."""
    file = folder / "providers.yaml"
    lines = [f"  - {entry}" for entry in entries]
    names = ", ".join(f"p{index}" for index in range(len(entries)))
    profiles = f"profiles: [{{name: default, providers: [{names}]}}]"
    file.write_text("\n".join(["providers:", *lines, profiles]), "utf-8")
    environment = {"LAB_KEY": "planted-key", "LAB_TOKEN": "planted-token"}
    config = load(file, environment=environment)
    return Providers(routing_table(config), Secrets(environment), kit, PlanNews(), file)


def problems(folder: Path, *entries: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, *entries)
    file = f"{folder / 'providers.yaml'}:"
    return [str(problem).removeprefix(file) for problem in caught.value.problems]


async def test_an_adapter_is_given_its_configuration_and_its_key(project: Path) -> None:
    directory = configured(
        project, "{name: p0, adapter: 'lab_cast:Model', options: {a: [1, {b: c}]}, api_key_env: LAB_KEY}"
    )

    request = OPENAI_CHAT.decode_request(b'{"messages":[{"role":"user","content":"Hi."}]}', {})
    call = ProviderCall(request=request, request_id="r", model="", stream=True)
    async with aclosing(directory.providers["p0"].converse(call)) as batches:
        (batch,) = [batch async for batch in batches]

    assert batch.events[0] == TextDelta("p0 planted-key {'a': [1, {'b': 'c'}]}")


def test_options_that_do_not_fit_are_told_with_their_lines(project: Path) -> None:
    told = problems(
        project,
        "{name: p0, adapter: 'lab_cast:choosy', options: {voice: shrill, sped: 2}}",
        "{name: p1, adapter: 'lab_cast:choosy'}",
        "{name: p2, adapter: 'lab_cast:choosy', options: {voice: calm, speed: '2'}}",
        "{name: p3, adapter: 'lab_cast:choosy', options: {voice: calm, speed: 2}}",
    )

    assert told == [
        "2:54: providers[0].options.voice: expected one of 'calm' or 'loud'; found text",
        '2:69: providers[0].options.sped: no such key\n    did you mean "speed"?',
        "3:5: providers[1].options.voice: is required",
        "4:67: providers[2].options.speed: expected a number; found text",
    ]


def test_everything_that_keeps_providers_from_being_built_is_told_at_once(project: Path) -> None:
    told = problems(
        project,
        "{name: p0, adapter: 'lab_cast:refusing', options: {lab_token: '${LAB_TOKEN}'},"
        " api_key_env: LAB_KEY}",
        "{name: p1, adapter: 'lab_cast:leaving'}",
        "{name: p2, adapter: 'lab_cast:wild'}",
        "{name: p3, adapter: 'lab_cast:forgetful'}",
        "{name: p4, adapter: 'lab_cast:dumb'}",
        "{name: p5, adapter: 'lab_cast:narrow'}",
        "{name: p6, adapter: 'lab_cast:thorny'}",
        "{name: p7, adapter: 'lab_cast:NoSuch'}",
        "{name: p8, adapter: 'no-such'}",
    )

    assert [line.partition(": ")[0] for line in told] == [f"{line}:16" for line in range(2, 11)]
    assert all(f"providers[{index}].adapter" in line for index, line in enumerate(told))
    for line, words in zip(told, REFUSALS, strict=True):
        assert words in line
    assert "planted" not in str(told)


REFUSALS = (
    "refuses its configuration: ValueError: no such lab: [redacted], [redacted]\n    raised at ",
    "refuses its configuration: SystemExit: 0",
    "refuses its configuration: BaseException: wild",
    "built None, which cannot converse",
    "built an object, which cannot converse",
    "refuses its configuration: TypeError: narrow() takes 1 positional argument but 2 were given",
    "refuses its configuration: RuntimeError: do not touch",
    "cannot be imported: AttributeError",
    'no adapter is called "no-such"',
)


def test_a_built_in_provider_that_refuses_is_told_with_its_entry(project: Path) -> None:
    (told,) = problems(project, "{name: p0, base_url: 'http://☃.test', model: m}")

    assert told.startswith("2:5: providers[0]: ")


@pytest.mark.parametrize("kind", ["openai_compat", "anthropic"])
def test_a_built_in_kind_asks_the_address_of_its_configuration(kind: str) -> None:
    spec = ProviderSpec(name="one", adapter=kind, base_url="http://there.test/v1")

    provider = factory_named(kind)(spec, kit(secret=""))

    assert "http://there.test/v1/" in repr(provider)


def test_a_provider_whose_key_is_not_there_is_known_by_name() -> None:
    specs = [
        ProviderSpec(name="keyed", adapter="openai_compat", secret=SecretReference(env="A")),
        ProviderSpec(name="keyless", adapter="openai_compat", secret=SecretReference(env="B")),
        ProviderSpec(name="free", adapter="openai_compat"),
    ]

    directory = Providers(table(*specs), Secrets({"A": "planted", "B": " "}), kit, PlanNews())

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
