"""Claude Code works through the gateway, whatever the provider speaks."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.agents import Ran, program, run
from tests.clients.conftest import BASH, PRINTED, Finished
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Answer, Status

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

KIND = pytest.mark.parametrize("kind", KINDS)
LITTLE = ("--system-prompt", "Be brief.")
"""Fits the window of a small model; without it Claude Code sends some 11,000 tokens."""
TALKATIVE = ("--output-format", "stream-json", "--verbose")


class ClaudeCode:
    """The program, in a home of its own."""

    def __init__(self, gateway: Gateway, home: Path) -> None:
        self._program = program("claude-code", "@anthropic-ai/claude-code-*/claude")
        self._address = gateway.address
        self._home = home

    def __repr__(self) -> str:
        return f"<ClaudeCode at {self._address}>"

    def answers(self, prompt: str, model: str, *arguments: str) -> Ran:
        """Asks it one thing (`claude -p`)."""
        settings = {
            "ANTHROPIC_BASE_URL": self._address,
            "ANTHROPIC_AUTH_TOKEN": "of-the-client",
            "ANTHROPIC_MODEL": model,
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "200000",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        return run(
            [str(self._program), "-p", prompt, *arguments],
            home=self._home,
            address=self._address,
            environment=settings,
        )


@pytest.fixture
def claude(gateway: Gateway, tmp_path: Path) -> ClaudeCode:
    return ClaudeCode(gateway, tmp_path / "home")


@KIND
def test_it_prints_what_the_model_says(
    claude: ClaudeCode, stage: Stage, finished: Finished, kind: Kind
) -> None:
    ran = claude.answers("Say hello.", f"first-{kind}")

    assert (ran.exit_code, ran.stdout) == (0, "hello world\n"), ran
    (asked,) = finished(1)
    assert (asked["outcome"], asked["dialect"], asked["stream"]) == ("answered", "anthropic_messages", True)


@KIND
def test_it_runs_the_tool_that_the_model_calls_and_brings_the_result_back(
    claude: ClaudeCode, stage: Stage, finished: Finished, kind: Kind
) -> None:
    stage.plays(first=[Answer.tool_call(*BASH), Answer.text("It says 42.")])

    ran = claude.answers("Run it.", f"first-{kind}", "--allowedTools", "Bash", *TALKATIVE)

    assert ran.exit_code == 0, ran
    assert [result["content"] for result in tool_results(ran)] == [PRINTED]
    assert (conclusion(ran)["result"], conclusion(ran)["num_turns"]) == ("It says 42.", 2)
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]
    assert PRINTED in stage["first"].chats[1].raw_body.decode()


@KIND
def test_it_runs_tools_that_are_called_side_by_side(
    claude: ClaudeCode, stage: Stage, finished: Finished, kind: Kind
) -> None:
    calls = [("Bash", {"command": f"echo number-$(({number} * 7))"}) for number in (1, 2)]
    stage.plays(first=[Answer.tool_calls(*calls), Answer.text("Two of them.")])

    ran = claude.answers("Run them.", f"first-{kind}", "--allowedTools", "Bash", *TALKATIVE)

    assert ran.exit_code == 0, ran
    assert sorted(result["content"] for result in tool_results(ran)) == ["number-14", "number-7"]
    assert conclusion(ran)["result"] == "Two of them."
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]


@KIND
def test_it_does_not_notice_that_providers_are_down(
    claude: ClaudeCode, stage: Stage, finished: Finished, kind: Kind
) -> None:
    stage.plays(first=Status(503), second=Status(500), third=Answer.text("third time lucky"))

    ran = claude.answers("Say hello.", f"chain-{kind}")

    assert (ran.exit_code, ran.stdout) == (0, "third time lucky\n"), ran
    (asked,) = finished(1)
    assert (asked["outcome"], asked["provider"], asked["attempts"]) == ("answered", f"third-{kind}", 4)


def test_it_talks_with_a_real_model(claude: ClaudeCode, finished: Finished) -> None:
    ran = claude.answers("Say hello.", "brief", "--tools", "", *LITTLE)

    assert ran.exit_code == 0, ran
    assert ran.stdout.strip()
    assert [each["outcome"] for each in finished(1)] == ["answered"]


def test_it_runs_a_tool_for_a_real_model(claude: ClaudeCode, finished: Finished) -> None:
    ran = claude.answers(
        "Run it.", "bash-caller", "--tools", "Bash", "--allowedTools", "Bash", *LITTLE, *TALKATIVE
    )

    assert ran.exit_code == 0, ran
    assert [result["content"] for result in tool_results(ran)] == [PRINTED]
    assert conclusion(ran)["result"].startswith("The tool returned:")
    assert [each["outcome"] for each in finished(2)] == ["answered", "answered"]


def tool_results(ran: Ran) -> list[dict[str, Any]]:
    contents = [line["message"]["content"] for line in ran.told if line["type"] == "user"]
    return [block for content in contents for block in content if block["type"] == "tool_result"]


def conclusion(ran: Ran) -> dict[str, Any]:
    """What it made of the whole; nothing it calls an error."""
    (result,) = [line for line in ran.told if line["type"] == "result"]
    assert result["subtype"] == "success", result
    assert result["is_error"] is False
    return result
