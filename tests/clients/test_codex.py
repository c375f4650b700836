"""Codex works through the gateway's Responses, although no provider speaks them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.agents import Ran, program, run
from tests.clients.conftest import EXEC_COMMAND, PRINTED, Finished
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Answer, Status

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

KIND = pytest.mark.parametrize("kind", KINDS)
CONFIG = """\
model = "{model}"
model_provider = "coderouter"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
{little}
[model_providers.coderouter]
name = "CodeRouter"
base_url = "{base_url}"
env_key = "CODEROUTER_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1

[analytics]
enabled = false
"""
LITTLE = """\
web_search = "disabled"
model_instructions_file = "{instructions}"
include_permissions_instructions = false
include_apps_instructions = false
include_environment_context = false

[agents]
enabled = false

[skills]
include_instructions = false

[features]
goals = false
apps = false
plugins = false
"""
"""Fits the window of a small model; without it Codex sends some 9,000 tokens."""


class Codex:
    """The program, in a home of its own."""

    def __init__(self, gateway: Gateway, home: Path) -> None:
        self._program = program("codex", "@openai/codex-*/vendor/*/bin/codex")
        self._gateway = gateway
        self._home = home
        self._settings = home / ".codex"
        self._settings.mkdir(parents=True)

    def __repr__(self) -> str:
        return f"<Codex at {self._gateway.address}>"

    def answers(self, prompt: str, model: str, *, little: str = "") -> Ran:
        """Asks it one thing (`codex exec`)."""
        config = CONFIG.format(model=model, base_url=self._gateway.openai_base_url, little=little)
        (self._settings / "config.toml").write_text(config, encoding="utf-8")
        return run(
            [str(self._program), "exec", "--skip-git-repo-check", "--json", prompt],
            home=self._home,
            address=self._gateway.address,
            environment={"CODEROUTER_KEY": "of-the-client", "CODEX_HOME": str(self._settings)},
        )

    def little(self) -> str:
        """Settings that make its requests small."""
        instructions = self._settings / "instructions.md"
        instructions.write_text("Be brief.", encoding="utf-8")
        return LITTLE.format(instructions=instructions)


@pytest.fixture
def codex(gateway: Gateway, tmp_path: Path) -> Codex:
    return Codex(gateway, tmp_path / "home")


@KIND
def test_it_prints_what_the_model_says(codex: Codex, stage: Stage, finished: Finished, kind: Kind) -> None:
    ran = codex.answers("Say hello.", f"first-{kind}")

    assert ran.exit_code == 0, ran
    assert messages(ran) == ["hello world"]
    assert usage(ran) == (19, 7)
    (asked,) = finished(1)
    assert (asked["outcome"], asked["dialect"], asked["stream"]) == ("answered", "openai_responses", True)


@KIND
def test_it_runs_the_tool_that_the_model_calls_and_brings_the_result_back(
    codex: Codex, stage: Stage, finished: Finished, kind: Kind
) -> None:
    stage.plays(first=[Answer.tool_call(*EXEC_COMMAND), Answer.text("It says 42.")])

    ran = codex.answers("Run it.", f"first-{kind}")

    assert ran.exit_code == 0, ran
    assert printed(ran) == [f"{PRINTED}\n"]
    assert messages(ran) == ["It says 42."]
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]
    assert PRINTED in stage["first"].chats[1].raw_body.decode()


@KIND
def test_its_patches_arrive_although_no_provider_knows_such_a_tool(
    codex: Codex, stage: Stage, finished: Finished, kind: Kind, tmp_path: Path
) -> None:
    """Codex recognises a patch among the commands it is asked to run."""
    patch = "*** Begin Patch\n*** Add File: new.txt\n+forty-two\n*** End Patch"
    command = f"apply_patch <<'EOF'\n{patch}\nEOF\n"
    stage.plays(first=[Answer.tool_call("exec_command", {"cmd": command}), Answer.text("Patched.")])

    ran = codex.answers("Patch it.", f"first-{kind}")

    assert ran.exit_code == 0, ran
    assert messages(ran) == ["Patched."]
    assert (tmp_path / "home" / "work" / "new.txt").read_text("utf-8") == "forty-two\n"
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]


@KIND
def test_it_does_not_notice_that_providers_are_down(
    codex: Codex, stage: Stage, finished: Finished, kind: Kind
) -> None:
    stage.plays(first=Status(503), second=Status(500), third=Answer.text("third time lucky"))

    ran = codex.answers("Say hello.", f"chain-{kind}")

    assert ran.exit_code == 0, ran
    assert messages(ran) == ["third time lucky"]
    (asked,) = finished(1)
    assert (asked["outcome"], asked["provider"], asked["attempts"]) == ("answered", f"third-{kind}", 4)


def test_it_runs_a_tool_for_a_real_model(codex: Codex, finished: Finished) -> None:
    ran = codex.answers("Run it.", "exec-caller", little=codex.little())

    assert ran.exit_code == 0, ran
    assert printed(ran) == [f"{PRINTED}\n"]
    (message,) = messages(ran)
    assert message.startswith("The tool returned:")
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]


def items(ran: Ran, kind: str) -> list[dict[str, Any]]:
    completed = [line["item"] for line in ran.told if line["type"] == "item.completed"]
    return [item for item in completed if item["type"] == kind]


def messages(ran: Ran) -> list[str]:
    return [str(item["text"]) for item in items(ran, "agent_message")]


def printed(ran: Ran) -> list[str]:
    """What its commands printed; each of them went well."""
    commands = items(ran, "command_execution")
    assert [command["exit_code"] for command in commands] == [0] * len(commands), json.dumps(commands)
    return [str(command["aggregated_output"]) for command in commands]


def usage(ran: Ran) -> tuple[int, int]:
    (turn,) = [line for line in ran.told if line["type"] == "turn.completed"]
    return turn["usage"]["input_tokens"], turn["usage"]["output_tokens"]
