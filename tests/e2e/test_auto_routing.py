"""The rules, the sessions and the gates of a running gateway."""

from collections.abc import Iterator

import pytest

from domain.tokens.request import MESSAGE, PREAMBLE
from infrastructure.tokens import estimate
from tests.e2e.clients import DIALECTS, ClientDialect, ask
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import Stage, provider

IMAGE = {
    "openai_chat": {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    "anthropic_messages": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    },
}


@pytest.fixture(scope="module")
def ruled(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that chooses by rules, with one blind and small provider and one that sees."""
    port = whole_stage["second"].port
    blind = provider("blind", "openai_compat", port, capabilities={"vision": False}, context_window=1000)
    config = whole_stage.config(
        providers=[blind],
        profiles=[
            {"name": "plain", "providers": ["blind-openai_compat"]},
            {"name": "coding", "providers": ["first-openai_compat"]},
            {"name": "planning", "providers": ["third-openai_compat"]},
        ],
        default_profile="auto",
        session={"header": "X-Conversation"},
        auto_router={
            "default_rule_profile": "plain",
            "rules": [
                {"id": "plans", "profile": "planning", "match": {"content_regex": r"(?i)\bplan\b"}},
                {"id": "tools", "profile": "coding", "match": {"has_tools": True}},
            ],
        },
    )
    with running(tmp_path_factory.mktemp("ruled"), config) as gateway:
        yield gateway


def tools(dialect: ClientDialect) -> list[dict[str, object]]:
    schema = {"type": "object", "properties": {}}
    if dialect == "openai_chat":
        return [{"type": "function", "function": {"name": "read", "parameters": schema}}]
    return [{"name": "read", "input_schema": schema}]


def saying(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_rule_chooses_and_says_what_it_saw(ruled: Gateway, stage: Stage, dialect: ClientDialect) -> None:
    answer = ask(ruled, dialect, "claude-opus-5-5", messages=saying("Make a PLAN"))

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coderouter-profile"] == "planning"
    assert answer.headers["x-coderouter-rule"] == "plans"
    (told,) = only(ruled.story(answer.headers["x-request-id"]), "auto-router-resolved")
    assert (told["rule_id"], told["resolved_profile"]) == ("plans", "planning")
    assert told["signals"] == {
        "has_image": False,
        "code_fence_ratio": 0.0,
        "content_len": 11,
        "model": "claude-opus-5-5",
        "estimated_tokens": 2,
        "has_tools": False,
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_session_stays_where_its_rule_still_holds(
    ruled: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    session, offered = {"x-conversation": f"s-{dialect}"}, tools(dialect)
    plan = saying("What is the plan?")
    first = ask(ruled, dialect, "m", headers=session, tools=offered)
    later = ask(ruled, dialect, "m", headers=session, tools=offered, messages=plan)
    other = ask(ruled, dialect, "m", tools=offered, messages=plan)

    profiles = [answer.headers["x-coderouter-profile"] for answer in (first, later, other)]
    assert profiles == ["coding", "coding", "planning"]
    assert only(ruled.story(later.headers["x-request-id"]), "auto-router-session-kept")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_prompt_that_fits_nowhere_is_refused_in_words_that_agents_act_on(
    ruled: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    prompt = "word " * 1600
    answer = ask(ruled, dialect, "m", messages=saying(prompt))
    tokens = PREAMBLE + MESSAGE + estimate(prompt)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"].startswith(f"prompt is too long: {tokens} tokens > 900 maximum")
    assert stage["second"].chats == []
    story = ruled.story(answer.headers["x-request-id"])
    assert len(only(story, "skip-small-context-window")) == 1
    assert len(only(story, "chain-context-window-blocked")) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_picture_that_nobody_can_see_is_refused_and_named(
    ruled: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    content = [{"type": "text", "text": "What is this?"}, IMAGE[dialect]]
    answer = ask(ruled, dialect, "m", messages=saying(content))

    assert answer.status_code == 400
    assert "user message 1 holds an image" in answer.json()["error"]["message"]
    assert stage["second"].chats == []
