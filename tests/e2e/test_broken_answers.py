"""An answer that breaks off in the middle is told as an error, never as an end."""

import httpx
import pytest
from anthropic import Anthropic
from anthropic import APIError as AnthropicError
from openai import APIError as OpenAIError
from openai import OpenAI

from tests.e2e.clients import DIALECTS, ClientDialect, ask, frames, is_terminated
from tests.e2e.gateway import Gateway, only
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Behaviour, CutAfter, InBandError, Reset

BREAKS: dict[str, Behaviour] = {
    "cut": CutAfter(events=4),
    "reset": Reset(after_events=4),
    "in-band error": InBandError(after_events=4),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("break_", BREAKS)
def test_a_broken_stream_ends_with_an_error_and_without_the_word_that_it_is_complete(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, break_: str
) -> None:
    stage.plays(first=BREAKS[break_])

    answer = ask(gateway, dialect, f"first-{kind}", stream=True)

    assert answer.status_code == 200
    assert "one" in answer.text
    assert not is_terminated(dialect, answer.text)
    assert _errors(answer) == [_last_frame_error_type(dialect, answer)]
    story = gateway.story(answer.headers["x-request-id"])
    assert story[-1]["outcome"] == "broken-off"
    assert len(only(story, "provider-failed-midstream")) == 1
    assert len(only(story, "reply-broken-off")) == 1


def _errors(answer: httpx.Response) -> list[str]:
    return [frame["error"]["type"] for frame in frames(answer.text) if "error" in frame]


def _last_frame_error_type(dialect: ClientDialect, answer: httpx.Response) -> str:
    last = frames(answer.text)[-1]
    if dialect == "anthropic_messages":
        assert last["type"] == "error"
        assert "\nevent: error\n" in answer.text
    assert last["error"]["message"]
    return str(last["error"]["type"])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_second_provider_goes_on_where_the_first_broke_off(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind
) -> None:
    stage.plays(first=CutAfter(events=4))

    ask(gateway, dialect, f"chain-{kind}", stream=True)

    assert stage["second"].chats == []


@pytest.mark.parametrize("kind", KINDS)
def test_openais_sdk_raises_on_a_broken_stream(gateway: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=CutAfter(events=4))
    with OpenAI(base_url=gateway.openai_base_url, api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(
            model=f"first-{kind}", messages=[{"role": "user", "content": "Count."}], stream=True
        )

        with pytest.raises(OpenAIError, match="broke off"):
            list(stream)


@pytest.mark.parametrize("kind", KINDS)
def test_anthropics_sdk_raises_on_a_broken_stream(gateway: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=CutAfter(events=4))
    with Anthropic(base_url=gateway.address, api_key="x", max_retries=0) as client:
        stream = client.messages.create(
            model=f"first-{kind}",
            max_tokens=50,
            messages=[{"role": "user", "content": "Count."}],
            stream=True,
        )

        with pytest.raises(AnthropicError, match="broke off"):
            list(stream)
