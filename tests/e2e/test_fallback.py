"""A request moves on from whatever fails before it has begun to answer, and the events say why."""

import pytest

from tests.e2e.clients import DIALECTS, ClientDialect, ask, is_terminated, said
from tests.e2e.gateway import Gateway, names, only
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import (
    Behaviour,
    CutAfter,
    EmptyStream,
    Garbage,
    InBandError,
    RateLimited,
    Reset,
    RoleOnlyThenEof,
    Status,
)

STREAMING = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@STREAMING
def test_the_last_of_a_chain_answers_when_all_others_fail_in_their_ways(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, stream: bool
) -> None:
    stage.plays(first=Status(500), second=RateLimited(retry_after="1"), third=Garbage())

    answer = ask(gateway, dialect, f"chain-{kind}", stream=stream)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer) == "hello world"
    assert not stream or is_terminated(dialect, answer.text)
    headers = {name: value for name, value in answer.headers.items() if name.startswith("x-coderouter-")}
    assert headers == {
        "x-coderouter-profile": f"chain-{kind}",
        "x-coderouter-rule": "model-profile",
        "x-coderouter-attempts": "5",
        "x-coderouter-provider": f"last-{kind}",
        "x-coderouter-model": "last-model",
        "x-coderouter-fallback-reason": "garbled",
    }
    _assert_told(gateway, answer.headers["x-request-id"], kind)


def _assert_told(gateway: Gateway, request_id: str, kind: Kind) -> None:
    story = gateway.story(request_id)
    failed = [
        (event["provider"], event["failure"], event["status"], event["retryable"])
        for event in only(story, "provider-failed")
    ]
    assert failed == [
        (f"refused-{kind}", "unreachable", None, True),
        (f"first-{kind}", "overloaded", 500, True),
        (f"second-{kind}", "rate-limited", 429, True),
        (f"third-{kind}", "garbled", None, True),
    ]
    moves = [
        (event["from_provider"], event["to_provider"], event["reason"])
        for event in only(story, "fallback-occurred")
    ]
    assert moves == [
        (f"refused-{kind}", f"first-{kind}", "unreachable"),
        (f"first-{kind}", f"second-{kind}", "overloaded"),
        (f"second-{kind}", f"third-{kind}", "rate-limited"),
        (f"third-{kind}", f"last-{kind}", "garbled"),
    ]
    completed = story[-1]
    assert (completed["outcome"], completed["attempts"], completed["provider"]) == (
        "answered",
        5,
        f"last-{kind}",
    )
    assert completed["input_tokens"] == 19
    assert completed["output_tokens"] == 7


HOPS: dict[str, tuple[Behaviour, str]] = {
    "empty body": (EmptyStream(), "garbled"),
    "role only": (RoleOnlyThenEof(), "garbled"),
    "error before content": (InBandError(after_events=1), "overloaded"),
    "cut before content": (CutAfter(events=1), "garbled"),
    "reset at once": (Reset(), "unreachable"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hop", HOPS)
def test_a_stream_that_ends_before_its_first_word_is_another_providers_to_answer(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, hop: str
) -> None:
    behaviour, reason = HOPS[hop]
    stage.plays(first=behaviour)

    answer = ask(gateway, dialect, f"chain-{kind}", stream=True)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer) == "hello world"
    assert is_terminated(dialect, answer.text)
    assert answer.headers["x-coderouter-provider"] == f"second-{kind}"
    assert answer.headers["x-coderouter-fallback-reason"] == reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hop", [EmptyStream(), CutAfter(events=1), InBandError(after_events=0)])
def test_a_whole_answer_that_is_none_is_another_providers_to_give(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, hop: Behaviour
) -> None:
    stage.plays(first=hop)

    answer = ask(gateway, dialect, f"chain-{kind}")

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer) == "hello world"
    assert answer.headers["x-coderouter-provider"] == f"second-{kind}"


@pytest.mark.parametrize("dialect", DIALECTS)
@STREAMING
def test_a_chain_that_is_used_up_answers_in_the_clients_words_with_a_real_status(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, stream: bool
) -> None:
    stage.plays(first=Garbage(), second=Garbage(), third=Garbage(), last=Garbage())

    answer = ask(gateway, dialect, "chain-openai_compat", stream=stream)

    assert answer.status_code == 502
    assert answer.headers["x-should-retry"] == "true"
    error = answer.json()["error"]
    assert error["type"] == ("server_error" if dialect == "openai_chat" else "api_error")
    assert "refused-openai_compat" in error["message"]
    story = gateway.story(answer.headers["x-request-id"])
    assert names(story).count("provider-failed") == 5
    assert (story[-1]["outcome"], story[-1]["status"]) == ("failed", 502)
