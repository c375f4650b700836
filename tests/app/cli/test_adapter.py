"""`coderouter adapter test` says which promises an adapter keeps, and how it broke the others."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main
from tests.upstream.scripted_upstream import ScriptedUpstream, served_in_thread

LAB = "tests.adapters.outbound.contract.labs:Lab"
STAGE = "tests.adapters.outbound.contract.labs:stage"
BOASTFUL = """
from tests.adapters.outbound.contract import labs

class Boastful(labs.Lab):
    def __repr__(self):
        return f"<Boastful {self._kit.secret}>"

    async def converse(self, call):
        raise KeyError(self._kit.secret)
        yield
"""


def run(*arguments: object, **environment: str) -> Result:
    unset = {"CODEROUTER_CONFIG": None, "CODEROUTER_MODE": None, "ALLOW_PAID": None}
    return CliRunner().invoke(main, ["adapter", "test", *map(str, arguments)], env={**unset, **environment})


@pytest.fixture
def lab_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    name = f"boastful_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(BOASTFUL)
    return f"{name}:Boastful"


def test_an_adapter_that_keeps_its_promises_ends_well() -> None:
    result = run(LAB, "--stage", STAGE)

    assert result.exit_code == 0, result.output
    assert f"{LAB}, on the stage {STAGE}" in result.output
    assert "  kept       ends-when-cancelled\n" in result.output
    assert re.search(r"\n\d\d kept, 0 broken, 0 not asked\n$", result.output)


def test_a_broken_promise_is_told_with_what_was_seen_and_without_secrets(lab_file: str) -> None:
    result = run(lab_file, "--stage", STAGE)

    assert result.exit_code == 1, result.output
    assert "  BROKEN     keeps-its-key\n    promised: Its repr does not show" in result.output
    assert "KeyError" in result.output
    assert "sk-lab" not in result.output


def test_promises_may_be_left_out() -> None:
    result = run(LAB, "--stage", STAGE, "--except", "embeds")

    assert "embeds" not in result.output
    assert run(LAB, "--stage", STAGE, "--except", "embed").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which adapter"),
        (("nowhere:Lab",), 'the adapter "nowhere:Lab" cannot be imported'),
        (("labb",), 'no adapter is called "labb"'),
        ((LAB, "--stage", "nowhere:stage"), "the stage nowhere:stage cannot be imported"),
        ((LAB, "--options", "{"), "this is no JSON"),
        ((LAB, "--options", "[]"), "a JSON object is wanted"),
        ((LAB, "--key-env", "NO_SUCH_KEY"), "the environment has no NO_SUCH_KEY"),
        ((LAB, "--key-env", "sk-lab-123456"), "--key-env takes the name of the variable"),
    ],
)
def test_what_cannot_be_tried_is_said_with_a_code_of_its_own(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert words in result.output


def test_a_provider_of_the_configuration_is_tried_before_its_own_upstream(tmp_path: Path) -> None:
    with served_in_thread(ScriptedUpstream()) as upstream:
        provider = {"name": "home", "base_url": upstream.openai_base_url, "model": "m"}
        file = tmp_path / "providers.yaml"
        config = {"providers": [provider], "profiles": [{"name": "default", "providers": ["home"]}]}
        file.write_text(json.dumps(config))

        result = run("--config", file, "--provider", "home", "--except", "refuses-unknown-options")
        unknown = run("--config", file, "--provider", "hom")

    assert result.exit_code == 0, result.output
    assert "home (openai_compat), before its own upstream" in result.output
    assert '  not asked  calls-tools: the stage has no scene "calls-tool"' in result.output
    assert "  kept       breaks-off-as-failure" in result.output
    assert (unknown.exit_code, "there are: home" in unknown.output) == (2, True)


def test_options_reach_the_adapter() -> None:
    result = run(LAB, "--options", '{"flat": 7}', "--base-url", "http://127.0.0.1:9/")

    assert result.exit_code == 1
    assert "it could not be built" in result.output
    assert "options.flat" in result.output
    assert result.output.endswith("0 kept, 1 broken, 0 not asked\n")
