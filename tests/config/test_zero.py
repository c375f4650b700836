"""Without a file the gateway takes what is there, and says what that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.discoverable import CLOUDS, PROBES
from config.load import load_text
from config.overrides import from_flag
from config.settings import read_settings
from config.translate import routing_table
from config.zero import (
    Findings,
    LocalServer,
    NothingFound,
    ZeroConfig,
    key_names,
    preferred_model,
    zero_config,
)

OLLAMA = LocalServer(
    kind="ollama",
    base_url="http://127.0.0.1:11434/v1",
    models=("nomic-embed-text:latest", "llama3.2:3b", "qwen2.5-coder:7b"),
)
LLAMA_CPP = LocalServer(kind="llama_cpp", base_url="http://127.0.0.1:8080/v1", models=("gemma.gguf",))
ALL_KEYS = frozenset(name for cloud in CLOUDS for name in cloud.key_names)


def made_from(findings: Findings) -> ZeroConfig:
    result = zero_config(findings)
    assert isinstance(result, ZeroConfig)
    return result


def test_local_comes_first_then_free_then_paid_and_paid_is_off() -> None:
    config = made_from(Findings(servers=(OLLAMA, LLAMA_CPP), key_names=ALL_KEYS)).config
    assert config.profiles[0].providers == (
        "ollama",
        "llama-cpp",
        "openrouter-free",
        "nvidia-nim",
        "groq",
        "gemini",
        "deepseek",
        "openai",
        "anthropic",
    )
    assert not config.allow_paid
    assert [provider.paid for provider in config.providers] == [False] * 5 + [True] * 4


def test_a_bad_backend_is_put_last_and_one_out_of_memory_rests() -> None:
    (profile,) = made_from(Findings(servers=(OLLAMA,))).config.profiles
    assert (profile.backend_health_action, profile.memory_pressure_action) == ("demote", "skip")


def test_the_coding_model_is_preferred_and_the_others_can_be_named() -> None:
    table = routing_table(made_from(Findings(servers=(OLLAMA,))).config)
    assert table.providers["ollama"].model == "qwen2.5-coder:7b"
    assert set(table.models) == set(OLLAMA.models)


@pytest.mark.parametrize(
    ("models", "chosen"),
    [
        ((), None),
        (("bge-m3", "nomic-embed-text"), None),
        (("bge-m3", "llama3"), "llama3"),
        (("llama3", "Qwen3-Coder", "codellama"), "Qwen3-Coder"),
    ],
)
def test_a_model_that_cannot_chat_is_never_chosen(models: tuple[str, ...], chosen: str | None) -> None:
    assert preferred_model(models) == chosen


def test_the_lines_tell_what_was_found_and_what_it_costs() -> None:
    lines = made_from(
        Findings(servers=(OLLAMA,), key_names=frozenset({"OPENROUTER_API_KEY", "OPENAI_API_KEY"}))
    ).lines
    assert lines == (
        "Ollama at http://127.0.0.1:11434/v1: qwen2.5-coder:7b (and 2 more)",
        "OPENROUTER_API_KEY: OpenRouter's free models with openrouter/free (free on the vendor's free plan)",
        "OPENAI_API_KEY: OpenAI with gpt-5-mini (paid, used only with ALLOW_PAID=true)",
    )


def test_a_server_without_a_model_is_told_with_the_remedy_and_not_used() -> None:
    empty = LocalServer(kind="ollama", base_url=OLLAMA.base_url, models=())
    result = zero_config(Findings(servers=(empty,)))
    assert isinstance(result, NothingFound)
    assert "ollama pull" in result.lines[0]


def test_the_embedded_model_answers_only_when_nothing_else_is_there() -> None:
    alone = made_from(Findings(embedded=True)).config
    assert [(provider.name, provider.kind) for provider in alone.providers] == [("embedded", "embedded")]
    beside = made_from(Findings(servers=(OLLAMA,), embedded=True)).config
    assert [provider.name for provider in beside.providers] == ["ollama"]


def test_nothing_at_all_says_what_would_help() -> None:
    result = zero_config(Findings())
    assert isinstance(result, NothingFound)
    assert any("OPENROUTER_API_KEY" in line for line in result.lines)


def test_the_first_of_two_names_for_a_key_is_used() -> None:
    both = made_from(Findings(key_names=frozenset({"NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"}))).config
    assert [provider.api_key_env for provider in both.providers] == ["NVIDIA_NIM_API_KEY"]
    second = made_from(Findings(key_names=frozenset({"NVIDIA_API_KEY"}))).config
    assert [provider.api_key_env for provider in second.providers] == ["NVIDIA_API_KEY"]


def test_blank_keys_do_not_count() -> None:
    environment = {"OPENAI_API_KEY": " ", "GROQ_API_KEY": "x", "OTHER_KEY": "y"}
    assert key_names(environment) == frozenset({"GROQ_API_KEY"})


def test_variables_and_flags_speak_here_too() -> None:
    settings = read_settings({"CODEROUTER_SERVER__HOST": "::1", "ALLOW_PAID": "1"})
    overrides = [*settings.overrides, from_flag("--port", "server.port", 9000)]
    result = zero_config(Findings(servers=(OLLAMA,)), overrides=overrides, allow_paid=settings.allow_paid)
    assert isinstance(result, ZeroConfig)
    assert (result.config.server.host, result.config.server.port) == ("::1", 9000)
    assert result.config.allow_paid


def test_every_cloud_alone_makes_a_valid_configuration() -> None:
    for cloud in CLOUDS:
        config = made_from(Findings(key_names=frozenset(cloud.key_names[:1]))).config
        assert [provider.name for provider in config.providers] == [cloud.name]


@given(
    st.lists(
        st.builds(
            LocalServer,
            kind=st.sampled_from([probe.kind for probe in PROBES]),
            base_url=st.just("http://127.0.0.1:1/v1"),
            models=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12)).map(tuple),
        ),
        max_size=4,
        unique_by=lambda server: server.kind,
    ),
    st.sets(st.sampled_from(sorted(ALL_KEYS))),
    st.booleans(),
)
def test_whatever_is_found_the_written_text_means_what_is_used(
    servers: list[LocalServer], keys: set[str], embedded: bool
) -> None:
    result = zero_config(Findings(servers=tuple(servers), key_names=frozenset(keys), embedded=embedded))
    if isinstance(result, ZeroConfig):
        assert load_text(result.text) == result.config
        assert not result.config.allow_paid
