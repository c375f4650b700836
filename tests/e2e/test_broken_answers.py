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
from tests.upstream.behaviours import Behaviour, CutAfter, InBandError, Raw, Reset

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


START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message",'
    b'"role":"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
)
BLOCK = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"one"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
)
END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":3}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "nonsense", [START + BLOCK + START + BLOCK + END + STOP, START + BLOCK + END + BLOCK + STOP]
)
def test_an_answer_that_turns_into_nonsense_breaks_off_through_the_upstreams_fault(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, nonsense: bytes
) -> None:
    stage.plays(
        first=Raw(pieces=tuple(frame + b"\n\n" for frame in nonsense.split(b"\n\n")[:-1]), pace_s=0.01)
    )

    answer = ask(gateway, dialect, "first-anthropic", stream=True)

    assert not is_terminated(dialect, answer.text)
    assert _errors(answer) == [_last_frame_error_type(dialect, answer)]
    story = gateway.story(answer.headers["x-request-id"])
    assert story[-1]["outcome"] == "broken-off"
    assert only(story, "internal-fault") == []
    (broken,) = only(story, "provider-failed-midstream")
    assert "makes no sense" in broken["error"]


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
