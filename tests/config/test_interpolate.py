"""Variables are put into the few values that may name them, and nowhere else."""

import pytest

from config.load import load_text
from config.problems import ConfigError

TEXT = """
providers:
  - name: a
    adapter: acme:Lab
    base_url: http://${HOST:-localhost}:${PORT}/v1
    model: ${MODEL}
    api_key_file: ${CREDENTIALS}/key
    headers: {X-Team: "team ${TEAM:-none}"}
    options: {nested: [{deep: "${PORT}"}], number: 3}
    extra_body: {template: "${PORT}"}
    append_system_prompt: "write $${x} or ${PORT}"
profiles:
  - {name: default, providers: [a]}
models:
  own: {provider: a, model: "${MODEL}-long"}
"""
ENVIRONMENT = {
    "PORT": "8000",
    "MODEL": "m $${not again} ${PORT}",
    "CREDENTIALS": "/run/credentials",
    "TEAM": "",
}


def test_variables_are_put_in_where_they_may_stand() -> None:
    config = load_text(TEXT, environment=ENVIRONMENT)
    (provider,) = config.providers
    assert provider.base_url == "http://localhost:8000/v1"
    assert provider.api_key_file == "/run/credentials/key"
    assert provider.headers == {"X-Team": "team none"}
    assert provider.options == {"nested": [{"deep": "8000"}], "number": 3}


def test_what_a_variable_holds_is_taken_as_it_is() -> None:
    (provider,) = load_text(TEXT, environment=ENVIRONMENT).providers
    assert provider.model == "m $${not again} ${PORT}"


def test_other_text_stays_as_it_is() -> None:
    (provider,) = load_text(TEXT, environment=ENVIRONMENT).providers
    assert provider.extra_body == {"template": "${PORT}"}
    assert provider.append_system_prompt == "write $${x} or ${PORT}"


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("$${PORT}", "${PORT}"),
        ("$$${PORT}", "$${PORT}"),
        ("$PORT", "$PORT"),
        ("${UNSET:-}x", "x"),
        ("${PORT:-9}", "8000"),
        ("a${PORT}b${PORT}", "a8000b8000"),
    ],
)
def test_escapes_and_defaults(model: str, taken: str) -> None:
    text = TEXT.replace("model: ${MODEL}", f"model: '{model}'", 1)
    assert load_text(text, environment=ENVIRONMENT).providers[0].model == taken


@pytest.mark.parametrize("model", ["${", "${}", "${1A}", "${A-b}", "${A", "${A B}"])
def test_a_malformed_reference_is_an_error_at_its_place(model: str) -> None:
    text = TEXT.replace("model: ${MODEL}", f"model: '{model}'", 1)
    with pytest.raises(ConfigError, match=r"providers\.yaml:6:5: providers\[0\]\.model: \$\{ does not begin"):
        load_text(text, environment=ENVIRONMENT)


def test_every_unset_variable_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(TEXT, environment={"TEAM": "x"})
    assert [(problem.place.line, problem.path, problem.message) for problem in caught.value.problems] == [
        (5, "providers[0].base_url", "the environment variable PORT is not set"),
        (6, "providers[0].model", "the environment variable MODEL is not set"),
        (7, "providers[0].api_key_file", "the environment variable CREDENTIALS is not set"),
        (9, "providers[0].options.nested[0].deep", "the environment variable PORT is not set"),
        (15, "models.own.model", "the environment variable MODEL is not set"),
    ]


def test_a_variable_that_is_set_but_empty_leaves_an_empty_model() -> None:
    with pytest.raises(ConfigError, match=r'providers\[0\]\.model: must not be empty; found "\$\{MODEL\}"'):
        load_text(TEXT, environment={**ENVIRONMENT, "MODEL": ""})
