"""An answer that breaks off may end its turn as cut, where the profile wants that: never as a whole one."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.adapters.dialects import sdks
from tests.adapters.dialects.anthropic_messages.legal_stream import told as legal_messages
from tests.e2e.clients import TLS, frames
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import KINDS, Kind, Stage, fresh_id
from tests.e2e.test_tool_turns import ASKED
from tests.upstream.behaviours import Answer, Behaviour, CutAfter, InBandError, Reset

CLIENT = pytest.mark.parametrize("client", ASKED)
KIND = pytest.mark.parametrize("kind", KINDS)
CALL = Answer.tool_call("weather", {"city": "Paris"})
BREAKS: dict[str, Behaviour] = {
    "cut": CutAfter(events=4),
    "reset": Reset(after_events=4),
    "in-band error": InBandError(after_events=4),
}


@pytest.fixture(scope="module")
def gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    profiles = [
        {"name": kind, "providers": [f"first-{kind}"], "on_broken_stream": "surface"} for kind in KINDS
    ]
    with running(tmp_path_factory.mktemp("gateway"), whole_stage.config(profiles=profiles)) as gateway:
        yield gateway


def ask(gateway: Gateway, client: str, **fields: Any) -> httpx.Response:
    path, question = ASKED[client]
    headers = {"x-request-id": fresh_id()}
    body = {**question, **fields}
    return httpx.post(gateway.address + path, json=body, headers=headers, timeout=30, verify=TLS)


def ending(client: str, answer: httpx.Response) -> Any:
    """How the turn ended, in the words of the client's language."""
    told = frames(answer.text)
    match client:
        case "openai_chat":
            assert answer.text.endswith("data: [DONE]\n\n")
            return next(frame["choices"][0]["finish_reason"] for frame in reversed(told) if frame["choices"])
        case "anthropic_messages":
            assert legal_messages(answer.content).stopped
            return next(frame["delta"]["stop_reason"] for frame in told if frame["type"] == "message_delta")
        case _:
            assert told[-1]["type"] == "response.incomplete"
            return told[-1]["response"]["incomplete_details"]["reason"]


CUT = {"openai_chat": "length", "anthropic_messages": "max_tokens", "openai_responses": "max_output_tokens"}


@CLIENT
@KIND
@pytest.mark.parametrize("break_", BREAKS)
def test_a_turn_ends_as_cut_in_words_that_clients_accept(
    gateway: Gateway, stage: Stage, client: str, kind: Kind, break_: str
) -> None:
    stage.plays(first=BREAKS[break_])

    answer = ask(gateway, client, model=kind, stream=True)

    assert ending(client, answer) == CUT[client]
    assert "one" in sdks.streamed(client, [answer.content]).text
    story = gateway.story(answer.headers["x-request-id"])
    assert story[-1]["outcome"] == "broken-off"
    assert only(story, "reply-broken-off")[0]["surfaced"] is True
    assert len(only(story, "provider-failed-midstream")) == 1


@CLIENT
@KIND
@pytest.mark.parametrize("events", range(1, 12))
def test_wherever_it_breaks_off_it_ends_once(
    gateway: Gateway, stage: Stage, client: str, kind: Kind, events: int
) -> None:
    stage.plays(first=CutAfter(events=events))

    answer = ask(gateway, client, model=kind, stream=True)

    story = gateway.story(answer.headers["x-request-id"])
    assert only(story, "internal-fault") == []
    surfaced = any(event["surfaced"] for event in only(story, "reply-broken-off"))
    if surfaced:
        assert ending(client, answer) == CUT[client]
    assert surfaced or "broke off" in answer.text or story[-1]["outcome"] in {"answered", "failed"}


@CLIENT
@KIND
def test_half_a_call_is_an_error_all_the_same(
    gateway: Gateway, stage: Stage, client: str, kind: Kind
) -> None:
    stage.plays(first=CutAfter(events=3, answer=CALL))

    answer = ask(gateway, client, model=kind, stream=True)

    assert "broke off" in answer.text
    (event,) = only(gateway.story(answer.headers["x-request-id"]), "reply-broken-off")
    assert event["surfaced"] is False


@CLIENT
@KIND
def test_an_answer_in_one_piece_that_breaks_off_has_not_begun(
    gateway: Gateway, stage: Stage, client: str, kind: Kind
) -> None:
    stage.plays(first=CutAfter(events=4))

    answer = ask(gateway, client, model=kind)

    assert answer.status_code == 502


@KIND
def test_several_answers_side_by_side_end_with_an_error(gateway: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=CutAfter(events=4))

    answer = ask(gateway, "openai_chat", model=kind, stream=True, n=2)

    assert "[DONE]" not in answer.text
    assert "broke off" in answer.text or answer.status_code != 200
