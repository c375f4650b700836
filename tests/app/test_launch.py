"""What is run: by a file if there is one, else by what the machine offers."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from app.launch import Launch, find_launch, find_server
from config.discoverable import PROBES, Probe
from config.overrides import from_flag
from config.problems import ConfigError
from infrastructure.model_server.weights import ModelMissing
from tests.upstream.scripted_upstream import ScriptedUpstream, refusing_port, served_in_thread

FILE = """\
providers:
  - {name: one, base_url: "http://127.0.0.1:9/v1", model: m, paid: true}
profiles:
  - {name: default, providers: [one]}
  - {name: other, providers: [one]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def nowhere() -> Iterator[tuple[Probe, ...]]:
    """Ollama's place, and nobody there."""
    with refusing_port() as port:
        yield (replace(PROBES[0], base_url=f"http://127.0.0.1:{port}/v1"),)


def found(home: Path, environment: dict[str, str] | None = None, probes: tuple[Probe, ...] = ()) -> Launch:
    """What is run from an empty directory."""
    home.mkdir(exist_ok=True)
    return find_launch(environment or {}, directory=home, home=home, probes=probes)


def test_a_file_in_the_directory_is_run(tmp_path: Path, home: Path) -> None:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")

    launch = find_launch({}, directory=tmp_path, home=home)

    assert launch.source == tmp_path / "providers.yaml"
    assert [provider.name for provider in launch.config.providers] == ["one"]
    assert (launch.found, launch.text) == ((), "")


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(FILE, encoding="utf-8")
    environment = {
        "CODEROUTER_CONFIG": str(path),
        "CODEROUTER_SERVER__PORT": "9001",
        "CODEROUTER_SERVER__HOST": "0.0.0.0",  # noqa: S104  looked at, not bound
        "CODEROUTER_MODE": "other",
        "ALLOW_PAID": "1",
    }

    launch = find_launch(
        environment, overrides=[from_flag("--port", "server.port", 9002)], directory=home, home=home
    )

    assert (launch.config.server.host, launch.config.server.port) == ("0.0.0.0", 9002)  # noqa: S104
    assert launch.config.default_profile == "other"
    assert launch.config.allow_paid


def test_ollama_on_this_machine_is_found_with_its_models(home: Path) -> None:
    models = ["nomic-embed-text", "llama3.2", "qwen2.5-coder:7b"]
    with served_in_thread(ScriptedUpstream(models=models)) as ollama:
        launch = found(home, probes=(replace(PROBES[0], base_url=ollama.openai_base_url),))

    (provider,) = launch.config.providers
    assert (provider.name, provider.model) == ("ollama", "qwen2.5-coder:7b")
    assert provider.base_url == ollama.openai_base_url
    assert "llama3.2" in launch.config.models
    assert launch.source is None
    assert "qwen2.5-coder:7b" in launch.found[0]
    assert "qwen2.5-coder:7b" in launch.text


def test_keys_make_providers_and_never_stand_in_what_is_told(home: Path, nowhere: tuple[Probe, ...]) -> None:
    keys = {"OPENROUTER_API_KEY": "planted-one", "ANTHROPIC_API_KEY": "planted-two"}

    launch = found(home, keys, nowhere)

    assert [provider.api_key_env for provider in launch.config.providers] == list(keys)
    assert [provider.paid for provider in launch.config.providers] == [False, True]
    assert "planted" not in launch.text + repr(launch.found)


def test_with_nothing_else_the_embedded_model_answers(home: Path, nowhere: tuple[Probe, ...]) -> None:
    launch = found(home, {}, nowhere)

    assert [provider.kind for provider in launch.config.providers] == ["embedded"]


def test_with_nothing_at_all_it_is_told_where_a_file_was_looked_for(
    home: Path, nowhere: tuple[Probe, ...]
) -> None:
    elsewhere = home / "elsewhere"

    with pytest.raises(ConfigError) as caught:
        find_launch({}, directory=elsewhere, home=home, probes=nowhere, embedded=lambda: ModelMissing(()))

    (problem,) = caught.value.problems
    assert f"{elsewhere}/providers.yaml and {home}/.coderouter/providers.yaml" in problem.message
    assert problem.hint.startswith("--config names one that is elsewhere")
    assert "start Ollama" in problem.hint


def test_a_file_that_was_named_but_is_not_there_is_an_error(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml does not exist"):
        find_launch({"CODEROUTER_CONFIG": "gone.yaml"}, directory=home, home=home)


class Terminal(BytesIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("chosen", "stream", "as_json"),
    [
        ("auto", BytesIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", BytesIO(), False),
    ],
)
def test_events_are_json_unless_somebody_watches(
    home: Path, nowhere: tuple[Probe, ...], chosen: str, stream: BytesIO, as_json: bool
) -> None:
    launch = found(home, {"CODEROUTER_LOG_FORMAT": chosen}, nowhere)

    assert launch.logs_as_json(stream) is as_json


def test_where_the_gateway_listens_is_known_though_the_rest_of_the_file_is_wrong(
    tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("server: {port: 9001}\nproviders: [{base_url: '${UNSET}'}]", encoding="utf-8")
    environment = {"CODEROUTER_CONFIG": str(path), "CODEROUTER_USAGE__RETENTION_DAYS": "7"}

    def port(**more: str) -> int:
        return find_server(environment | more, directory=home, home=home).port

    assert port() == 9001
    assert port(CODEROUTER_SERVER__PORT="9002") == 9002
    with pytest.raises(ConfigError, match=r"CODEROUTER_SERVER__PORT: server\.port: expected a whole number"):
        port(CODEROUTER_SERVER__PORT="many")
    assert find_server({}, directory=home, home=home).port == 8088
