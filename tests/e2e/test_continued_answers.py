"""An answer of words that breaks off is gone on with by the next target, where the profile wants that."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from app.use_cases.continuing import WISH
from tests.adapters.dialects import sdks
from tests.adapters.dialects.anthropic_messages.legal_stream import told as legal_messages
from tests.e2e.clients import TLS, forgive, frames
from tests.e2e.gateway import Gateway, names, only, running
from tests.e2e.stage import KINDS, Kind, Stage, fresh_id
from tests.e2e.test_tool_turns import ASKED
from tests.upstream.behaviours import Answer, Behaviour, CutAfter, InBandError, Reset, Status, Usage

CLIENT = pytest.mark.parametrize("client", ASKED)
KIND = pytest.mark.parametrize("kind", KINDS)
THEN = pytest.mark.parametrize("then", KINDS)
LONG = Answer.text("The quick brown fox jumps over the lazy dog. Then it rests.", usage=Usage(prompt=50))
REST = Answer.text("brown fox jumps over the lazy dog. Then it rests.", usage=Usage(prompt=70, completion=9))
CALL = Answer.tool_call("weather", {"city": "Paris"})
BREAKS: dict[str, Behaviour] = {
    "cut": CutAfter(events=7, answer=LONG),
    "reset": Reset(after_events=7, answer=LONG),
    "in-band error": InBandError(after_events=7, answer=LONG),
}


@pytest.fixture(scope="module")
def whole(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    profiles = [
        {
            "name": f"{kind}-{then}",
            "providers": [f"first-{kind}", f"second-{then}", f"third-{then}"],
            "on_broken_stream": "continue",
        }
        for kind in KINDS
        for then in KINDS
    ]
    with running(tmp_path_factory.mktemp("gateway"), whole_stage.config(profiles=profiles)) as gateway:
        yield gateway


@pytest.fixture
def gateway(whole: Gateway) -> Gateway:
    forgive(whole)
    return whole


def ask(gateway: Gateway, client: str, model: str, **fields: Any) -> httpx.Response:
    path, question = ASKED[client]
    headers = {"x-request-id": fresh_id()}
    body = {**question, "model": model, "stream": True, **fields}
    return httpx.post(gateway.address + path, json=body, headers=headers, timeout=30, verify=TLS)


def text_of(client: str, answer: httpx.Response) -> str:
    """Of an answer that keeps every rule of its language, to its one end."""
    if client == "anthropic_messages":
        assert legal_messages(answer.content).stopped
    else:
        end = "data: [DONE]" if client == "openai_chat" else "event: response.completed"
        assert answer.text.count(end) == 1
    return str(sdks.streamed(client, [answer.content]).text)


def asked_of(stage: Stage, name: str) -> Sequence[dict[str, Any]]:
    return [request.body for request in stage[name].chats]


@CLIENT
@KIND
@THEN
@pytest.mark.parametrize("break_", BREAKS)
def test_the_client_sees_one_answer_without_a_seam(
    gateway: Gateway, stage: Stage, client: str, kind: Kind, then: Kind, break_: str
) -> None:
    stage.plays(first=BREAKS[break_], second=REST)

    answer = ask(gateway, client, f"{kind}-{then}")

    assert text_of(client, answer) == "The quick brown fox jumps over the lazy dog. Then it rests."
    story = gateway.story(answer.headers["x-request-id"])
    (continued,) = only(story, "reply-continued")
    assert (continued["from_provider"], continued["to_provider"]) == (f"first-{kind}", f"second-{then}")
    assert len(only(story, "provider-failed-midstream")) == 1
    assert (story[-1]["outcome"], story[-1]["provider"]) == ("answered", f"second-{then}")
    assert story[-1]["attempts"] == 2
    (asked,) = asked_of(stage, "second")
    assert WISH in json.dumps(asked["messages"][-1])
    assert "The quick" in json.dumps(asked["messages"][-2])
    assert asked["tools"]


@CLIENT
@KIND
def test_who_goes_on_may_break_off_too(gateway: Gateway, stage: Stage, client: str, kind: Kind) -> None:
    stage.plays(
        first=BREAKS["cut"],
        second=CutAfter(events=6, answer=Answer.text("jumps over a wall and runs away")),
        third=Answer.text(" and is gone."),
    )

    answer = ask(gateway, client, f"{kind}-{kind}")

    told = text_of(client, answer)
    assert told.startswith("The quick brown")
    assert told.endswith(" and is gone.")
    story = gateway.story(answer.headers["x-request-id"])
    assert len(only(story, "reply-continued")) == 2
    assert story[-1]["outcome"] == "answered"


@CLIENT
@KIND
def test_when_nobody_can_go_on_it_ends_with_an_error(
    gateway: Gateway, stage: Stage, client: str, kind: Kind
) -> None:
    stage.plays(first=BREAKS["cut"], second=Status(503), third=Status(503))

    answer = ask(gateway, client, f"{kind}-{kind}")

    assert "broke off" in answer.text
    story = gateway.story(answer.headers["x-request-id"])
    assert "reply-continued" not in names(story)
    assert story[-1]["outcome"] == "broken-off"


@CLIENT
@KIND
@pytest.mark.parametrize("events", range(1, 12))
def test_wherever_it_breaks_off_there_is_one_answer_with_one_end(
    gateway: Gateway, stage: Stage, client: str, kind: Kind, events: int
) -> None:
    short = Answer.text("one two three", usage=Usage(prompt=50))
    stage.plays(first=CutAfter(events=events, answer=short), second=Answer.text("four five"))

    answer = ask(gateway, client, f"{kind}-{kind}")

    story = gateway.story(answer.headers["x-request-id"])
    assert only(story, "internal-fault") == []
    if story[-1]["outcome"] == "answered":
        told = text_of(client, answer)
        assert told.endswith("four five") or told == "one two three"
    else:
        assert "broke off" in answer.text


@CLIENT
@KIND
def test_the_tokens_of_each_are_told_once_and_of_whom_they_are(
    gateway: Gateway, stage: Stage, client: str, kind: Kind
) -> None:
    stage.plays(first=BREAKS["cut"], second=REST)

    answer = ask(gateway, client, f"{kind}-{kind}")

    story = gateway.story(answer.headers["x-request-id"])
    assert (story[-1]["input_tokens"], story[-1]["output_tokens"]) == (70, 9)
    (broken,) = story[-1]["billed_elsewhere"]
    assert broken["provider"] == f"first-{kind}"
    assert broken["output_tokens"] > 0
    assert [event["provider"] for event in only(story, "try-provider")] == [f"first-{kind}", f"second-{kind}"]


@CLIENT
@KIND
def test_nobody_goes_on_with_half_a_call(gateway: Gateway, stage: Stage, client: str, kind: Kind) -> None:
    stage.plays(first=CutAfter(events=3, answer=CALL), second=REST)

    answer = ask(gateway, client, f"{kind}-{kind}")

    assert "broke off" in answer.text
    assert stage["second"].chats == []


def test_nobody_goes_on_with_an_answer_that_must_have_a_form(gateway: Gateway, stage: Stage) -> None:
    stage.plays(first=BREAKS["cut"], second=REST)
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}

    answer = ask(gateway, "openai_chat", "openai_compat-openai_compat", response_format=form)

    assert "broke off" in answer.text
    assert stage["second"].chats == []


@KIND
def test_explain_tells_who_went_on(gateway: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=BREAKS["cut"], second=REST)
    answer = ask(gateway, "anthropic_messages", f"{kind}-{kind}")

    url = f"{gateway.address}/admin/requests/{answer.headers['x-request-id']}"
    trace = httpx.get(url, verify=TLS, timeout=30)

    assert "reply-continued" in trace.text
    assert f"second-{kind}" in trace.text


@KIND
def test_a_call_may_follow_the_words(gateway: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=BREAKS["cut"], second=CALL)

    answer = ask(gateway, "anthropic_messages", f"{kind}-{kind}")

    assert legal_messages(answer.content).stopped
    reasons = [
        frame["delta"]["stop_reason"] for frame in frames(answer.text) if frame["type"] == "message_delta"
    ]
    assert reasons == ["tool_use"]
