"""What an upstream has read once it finds again: the gateway tells the same words with the same bytes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, provider
from tests.upstream.prefix_cache import PrefixCache

MARK = {"cache_control": {"type": "ephemeral"}}
TOOL = {"name": "mcp__files.of.the.house__read", "input_schema": {"type": "object", "properties": {}}}
LONG = "You are careful, and you read before you write. " * 40
CALL = {"type": "tool_use", "id": "toolu_1", "name": TOOL["name"], "input": {"path": "a", "b": 1.0}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "b"}]}
PROVIDERS = ("first-anthropic", "told-anthropic", "first-openai_compat", "told-openai_compat")


@pytest.fixture(scope="module")
def gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = whole_stage["first"].port
    told = {"append_system_prompt": "Answer in few words."}
    config = whole_stage.config(
        providers=[
            {**provider("told", "anthropic", port), **told},
            {**provider("told", "openai_compat", port), **told},
        ]
    )
    with running(tmp_path_factory.mktemp("gateway"), config) as gateway:
        yield gateway


def conversation(*turns: dict[str, Any]) -> dict[str, Any]:
    """As Claude Code marks it: the tools, the instructions and the newest turn."""
    newest = turns[-1]["content"]
    said = [*turns[:-1], {**turns[-1], "content": [*newest[:-1], {**newest[-1], **MARK}]}]
    system = [{"type": "text", "text": LONG, **MARK}]
    return {"max_tokens": 99, "tools": [{**TOOL, **MARK}], "system": system, "messages": said}


def words(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


FIRST = (words("Read it."),)
SECOND = (*FIRST, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]})


def usage(gateway: Gateway, path: str, body: dict[str, Any], **headers: str) -> Any:
    answer = httpx.post(gateway.address + path, json=body, headers=headers, timeout=30, verify=TLS)
    assert answer.status_code == 200, answer.text
    return answer.json()["usage"]


@pytest.mark.parametrize("model", PROVIDERS)
def test_the_same_request_is_found_again_but_for_what_was_not_to_be_kept(
    gateway: Gateway, stage: Stage, model: str
) -> None:
    stage.plays(first=PrefixCache())
    body = {"model": model, **conversation(*FIRST)}

    before, after = (usage(gateway, "/v1/messages", body) for _ in range(2))

    assert before["cache_read_input_tokens"] == 0
    assert after["cache_read_input_tokens"] > len(LONG) // 4
    assert after["input_tokens"] < 20


@pytest.mark.parametrize("model", PROVIDERS)
def test_a_conversation_that_goes_on_finds_all_that_was_said_before(
    gateway: Gateway, stage: Stage, model: str
) -> None:
    stage.plays(first=PrefixCache())

    before = usage(gateway, "/v1/messages", {"model": model, **conversation(*FIRST)})
    after = usage(gateway, "/v1/messages", {"model": model, **conversation(*SECOND)})

    newest = 10  # a mark makes a list of a chat turn that is a string without it
    assert after["cache_read_input_tokens"] >= before["input_tokens"] - newest


@pytest.mark.parametrize("model", ["first-openai_compat", "told-openai_compat"])
def test_a_line_about_the_client_that_changes_hides_nothing(
    gateway: Gateway, stage: Stage, model: str
) -> None:
    stage.plays(first=PrefixCache())

    def read(number: int) -> int:
        line = {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.98; cch={number};"}
        said = conversation(*FIRST)
        body = {"model": model, **said, "system": [line, *said["system"]]}
        return int(usage(gateway, "/v1/messages", body)["cache_read_input_tokens"])

    assert read(1) == 0
    assert read(2) > len(LONG) // 4


@pytest.mark.parametrize("model", PROVIDERS)
def test_a_chat_client_finds_again_what_it_marked(gateway: Gateway, stage: Stage, model: str) -> None:
    stage.plays(first=PrefixCache())
    system = {"role": "system", "content": [{"type": "text", "text": LONG, **MARK}]}
    body = {"model": model, "max_tokens": 99, "messages": [system, {"role": "user", "content": "Read."}]}

    before, after = (usage(gateway, "/v1/chat/completions", body) for _ in range(2))

    assert not before["prompt_tokens_details"]["cached_tokens"]
    assert after["prompt_tokens_details"]["cached_tokens"] > len(LONG) // 4 - 10


@pytest.mark.parametrize("model", ["first-anthropic", "told-anthropic"])
def test_more_breakpoints_than_the_upstream_takes_are_no_reason_to_be_refused(
    gateway: Gateway, stage: Stage, model: str
) -> None:
    stage.plays(first=PrefixCache())
    said: dict[str, Any] = conversation(*SECOND)
    turns: list[dict[str, Any]] = list(SECOND)
    marked = [{**turn, "content": [{**block, **MARK} for block in turn["content"]]} for turn in turns]
    body = {"model": model, **said, "messages": marked}

    usage(gateway, "/v1/messages", body)
    after = usage(gateway, "/v1/messages", body, **{"x-request-id": f"marks-{model}"})

    assert after["cache_read_input_tokens"] > len(LONG) // 4
    told = [event for event in gateway.story(f"marks-{model}") if event["event"] == "capability-degraded"]
    assert [event["dropped"] for event in told] == [["cache_control"]]
