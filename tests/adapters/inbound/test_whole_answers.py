"""Answers in one piece."""

import pytest

from adapters.inbound.http.conversation import InboundLimits
from domain.events import InternalFault, Outcome, RequestCompleted
from domain.failures import FailureKind, UpstreamFailure
from tests.adapters.inbound.gateway import (
    ANSWER,
    BEGINNING,
    CHAT,
    MESSAGES,
    Client,
    chat,
    gateway,
    post,
)


async def test_a_chat_client_gets_a_chat_completion() -> None:
    answered = await post(gateway(), CHAT, chat())

    assert answered.status == 200
    assert answered.json["object"] == "chat.completion"
    assert answered.json["choices"][0]["message"]["content"] == "Hello, world"
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["content-length"] == str(len(answered.body))


async def test_a_messages_client_gets_a_message_whatever_its_query_string() -> None:
    answered = await post(gateway(), f"{MESSAGES}?beta=true", chat())

    assert answered.status == 200
    assert answered.json["type"] == "message"
    assert answered.json["content"] == [{"type": "text", "text": "Hello, world"}]


async def test_the_body_names_the_model_that_was_asked_for_and_the_headers_the_real_one() -> None:
    answered = await post(gateway(), CHAT, chat(model="gpt-9"))

    assert answered.json["model"] == "gpt-9"
    assert answered.headers["x-coderouter-model"] == "qwen3-8b"


async def test_a_client_that_names_no_model_is_told_the_real_one() -> None:
    body = chat()
    del body["model"]

    answered = await post(gateway(), CHAT, body)

    assert answered.json["model"] == "qwen3-8b"


async def test_the_headers_tell_how_the_answer_came_about() -> None:
    refused = UpstreamFailure(FailureKind.UNREACHABLE, "refused")

    answered = await post(gateway(local=[[refused]]), CHAT, chat())

    story = {name: value for name, value in answered.headers.items() if name.startswith("x-coderouter")}
    assert story == {
        "x-coderouter-profile": "default",
        "x-coderouter-rule": "default-profile",
        "x-coderouter-provider": "cloud",
        "x-coderouter-model": "qwen3-8b",
        "x-coderouter-attempts": "2",
        "x-coderouter-fallback-reason": "unreachable",
    }


async def test_an_answer_of_the_first_target_has_no_fallback_reason() -> None:
    answered = await post(gateway(), CHAT, chat())

    assert "x-coderouter-fallback-reason" not in answered.headers


@pytest.mark.parametrize(
    ("headers", "fields", "rule"),
    [
        ({}, {"profile": "solo"}, "body-profile"),
        ({"x-coderouter-profile": "solo"}, {}, "profile-header"),
        ({"x-coderouter-mode": "quick"}, {}, "mode-header"),
        ({}, {"model": "solo"}, "model-profile"),
    ],
)
async def test_a_client_chooses_where_its_request_goes(
    headers: dict[str, str], fields: dict[str, object], rule: str
) -> None:
    answered = await post(gateway(), CHAT, chat(**fields), headers)

    assert answered.headers["x-coderouter-profile"] == "solo"
    assert answered.headers["x-coderouter-rule"] == rule


async def test_a_sane_request_id_of_the_client_is_kept() -> None:
    house = gateway()

    answered = await post(house, CHAT, chat(), {"x-request-id": "run-7.step_3"})

    assert answered.headers["x-request-id"] == "run-7.step_3"
    assert house.completed.request_id == "run-7.step_3"
    assert house.providers["local"].calls[0].call.request_id == "run-7.step_3"


@pytest.mark.parametrize("own", ["", "a b", "x" * 129, "é", "a,b", "<script>"])
async def test_an_odd_request_id_is_replaced(own: str) -> None:
    answered = await post(gateway(), CHAT, chat(), {"x-request-id": own})

    assert answered.headers["x-request-id"] == "id-1"


async def test_the_completed_event_tells_the_whole_request() -> None:
    house = gateway()

    await post(house, CHAT, chat(model="gpt-9"))

    assert house.completed == RequestCompleted(
        request_id="id-1",
        member="",
        key_id="",
        dialect="openai_chat",
        stream=False,
        outcome=Outcome.ANSWERED,
        status=200,
        profile="default",
        rule="default-profile",
        provider="local",
        model="qwen3-8b",
        requested_model="gpt-9",
        attempts=1,
        fallback_reason="",
        duration_ms=0.0,
        ttft_ms=0.0,
        input_tokens=7,
        output_tokens=3,
        cache_read_tokens=None,
        cache_creation_tokens=None,
    )


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_an_answer_that_breaks_off_is_an_error_with_a_real_status(path: str) -> None:
    house = gateway(local=[[BEGINNING, UpstreamFailure(FailureKind.BROKEN_OFF, "connection reset")]])

    answered = await post(house, path, chat())

    assert answered.status == 502
    assert "connection reset" in answered.json["error"]["message"]
    assert answered.headers["x-should-retry"] == "true"
    assert answered.headers["x-coderouter-provider"] == "local"
    assert house.completed.outcome is Outcome.BROKEN_OFF
    assert house.providers["local"].all_ended


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "server_error"), (MESSAGES, "api_error")])
async def test_a_bug_of_ours_is_told_in_the_dialect_and_in_an_event(path: str, kind: str) -> None:
    house = gateway()
    del house.providers["local"]  # a target whose provider is not there is what no configuration lets through

    answered = await post(house, path, chat())

    assert answered.status == 500
    assert answered.json["error"]["type"] == kind
    assert "id-1" in answered.json["error"]["message"]
    assert "KeyError" not in answered.body.decode()
    (fault,) = house.sink.of(InternalFault)
    assert "KeyError" in fault.error
    assert "converse.py" in fault.where
    assert "Traceback" in fault.traceback
    assert house.completed.outcome is Outcome.FAILED
    assert house.completed.status == 500


async def test_a_body_may_come_in_pieces() -> None:
    pieces = [b'{"messages": [{"role": "user", ', b'"content": "hi"}', b"", b"]}"]

    answered = await Client(gateway().app, CHAT, pieces=pieces).run()

    assert answered.status == 200


async def test_a_body_at_the_limit_is_taken() -> None:
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    house = gateway(limits=InboundLimits(max_body_bytes=len(body)))

    assert (await post(house, CHAT, body, {"content-length": str(len(body))})).status == 200


async def test_every_provider_stream_is_closed_after_its_answer() -> None:
    house = gateway(local=[ANSWER])

    await post(house, CHAT, chat())

    assert house.providers["local"].all_ended
