"""What a client is told when it gets no answer: each row of the table, in both dialects."""

import json
from math import inf, nan
from typing import Any, cast

import pytest
from litestar import Litestar, get

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.errors import WORDINGS, Complaint, Rejected, error_answer
from domain.events import InternalFault, Outcome
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from domain.routing.verdict import Cause, ChainFailed, Verdict
from tests.adapters.inbound.gateway import (
    CHAT,
    MESSAGES,
    Answered,
    Client,
    Gateway,
    chat,
    gateway,
    post,
)

BOTH = pytest.mark.parametrize("path", [CHAT, MESSAGES])
DIALECTS = {CHAT: "openai_chat", MESSAGES: "anthropic_messages"}


def failing(kind: FailureKind, **facts: Any) -> list[list[UpstreamFailure]]:
    return [[UpstreamFailure(kind, f"told {kind}", **facts)]]


def refusal(dialect: str, status: int, **headers: str) -> UpstreamAnswer:
    body = b'{"error":  {"message":"as the vendor put it","type":"odd_error"}}'
    return UpstreamAnswer(dialect=dialect, status=status, body=body, headers=headers)


def both_fail(kind: FailureKind, **facts: Any) -> Gateway:
    return gateway(local=failing(kind, **facts), cloud=failing(kind, **facts))


def assert_enveloped(answered: Answered, path: str) -> dict[str, Any]:
    """The error of an envelope that is this dialect's and has nothing beside."""
    body = answered.json
    if path == CHAT:
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
    else:
        assert body["type"] == "error"
        assert body["request_id"] == answered.headers["x-request-id"]
        assert set(body["error"]) == {"type", "message"}
    error: dict[str, Any] = body["error"]
    return error


CHAINS = [
    # how both targets fail, status and type for OpenAI, status and type for Anthropic, retry
    (FailureKind.RATE_LIMITED, 429, "rate_limit_error", 429, "rate_limit_error", "true"),
    (FailureKind.QUOTA, 429, "rate_limit_error", 429, "rate_limit_error", "true"),
    (FailureKind.OVERLOADED, 503, "server_error", 529, "overloaded_error", "true"),
    (FailureKind.SLOW, 504, "server_error", 504, "api_error", "true"),
    (FailureKind.CREDENTIALS, 502, "server_error", 502, "api_error", "false"),
    (FailureKind.UNREACHABLE, 502, "server_error", 502, "api_error", "true"),
    (FailureKind.GARBLED, 502, "server_error", 502, "api_error", "true"),
    (FailureKind.MODEL_MISSING, 502, "server_error", 502, "api_error", "true"),
    (FailureKind.NOT_OFFERED, 400, "invalid_request_error", 400, "invalid_request_error", "false"),
    (FailureKind.CONTEXT_OVERFLOW, 400, "invalid_request_error", 400, "invalid_request_error", "false"),
]


@pytest.mark.parametrize(("kind", "chat_status", "chat_type", "status", "type", "retry"), CHAINS)
@pytest.mark.parametrize("stream", [False, True])
@BOTH
async def test_a_used_up_chain_answers_by_its_cause(
    path: str,
    kind: FailureKind,
    chat_status: int,
    chat_type: str,
    status: int,
    type: str,
    retry: str,
    stream: bool,
) -> None:
    house = both_fail(kind)

    answered = await post(house, path, chat(stream=stream))

    error = assert_enveloped(answered, path)
    expected = (chat_status, chat_type) if path == CHAT else (status, type)
    assert (answered.status, error["type"]) == expected
    assert answered.headers["x-should-retry"] == retry
    assert "local: told" in error["message"]
    assert "cloud: told" in error["message"]
    assert answered.headers["x-coderouter-profile"] == "default"
    assert answered.headers["x-coderouter-attempts"] == "2"
    assert house.completed.outcome is Outcome.FAILED
    assert house.completed.status == answered.status


@BOTH
async def test_a_prompt_too_long_for_all_is_told_in_words_that_clients_act_on(path: str) -> None:
    answered = await post(both_fail(FailureKind.CONTEXT_OVERFLOW), path, chat())

    error = assert_enveloped(answered, path)
    assert error["message"].startswith("prompt is too long: ")
    assert path != CHAT or error["code"] == "context_length_exceeded"


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "insufficient_quota"), (MESSAGES, "billing_error")])
async def test_a_chain_that_only_money_bars_asks_for_payment(path: str, kind: str) -> None:
    answered = await post(gateway(paid=["local", "cloud"]), path, chat())

    assert (answered.status, assert_enveloped(answered, path)["type"]) == (402, kind)
    assert answered.headers["x-should-retry"] == "false"


@BOTH
async def test_missing_keys_are_not_worth_a_retry(path: str) -> None:
    answered = await post(gateway(without_credential=["local", "cloud"]), path, chat())

    assert answered.status == 502
    assert answered.headers["x-should-retry"] == "false"


@BOTH
@pytest.mark.parametrize(
    ("after_s", "told"),
    [
        ((30.2, 90.0), "31"),
        ((None, 2.0), "2"),
        ((0.0, 5.0), "0"),
        ((None, None), None),
        ((inf, None), "2592000"),
        ((1e300, inf), "2592000"),
        ((nan, None), "0"),
        ((-inf, 3.0), "0"),
    ],
)
async def test_the_earliest_moment_to_retry_is_told_in_whole_seconds(
    path: str, after_s: tuple[float | None, float | None], told: str | None
) -> None:
    first, second = (failing(FailureKind.RATE_LIMITED, retry_after_s=seconds) for seconds in after_s)

    answered = await post(gateway(local=first, cloud=second), path, chat())

    assert answered.headers.get("retry-after") == told


@BOTH
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_the_only_attempt_in_the_same_dialect_is_relayed_byte_for_byte(path: str, status: int) -> None:
    answer = refusal(DIALECTS[path], status, **{"request-id": "req_up", "retry-after": "9"})
    house = gateway(local=failing(FailureKind.OVERLOADED, status=status, answer=answer))

    answered = await post(house, path, chat(profile="solo"))

    assert (answered.status, answered.body) == (status, answer.body)
    assert answered.headers["request-id"] == "req_up"
    assert answered.headers["retry-after"] == "9"
    assert answered.headers["x-request-id"] == "id-1"
    assert answered.headers["x-coderouter-provider"] == "local"
    assert answered.headers["x-coderouter-model"] == "qwen3"
    assert answered.headers["x-coderouter-attempts"] == "1"


@BOTH
@pytest.mark.parametrize("status", [401, 403])
async def test_that_the_gateways_own_key_is_refused_is_not_told_as_if_it_were_the_clients(
    path: str, status: int
) -> None:
    answer = refusal(DIALECTS[path], status, **{"x-should-retry": "true"})
    house = gateway(local=failing(FailureKind.CREDENTIALS, status=status, answer=answer))

    answered = await post(house, path, chat(profile="solo"))

    assert (answered.status, answered.headers["x-should-retry"]) == (502, "false")
    message = assert_enveloped(answered, path)["message"]
    assert "local: told credentials (it refuses the gateway's credentials, not yours)" in message
    assert answered.headers["x-coderouter-provider"] == "local"


@BOTH
@pytest.mark.parametrize(
    ("kind", "status", "retry", "after"),
    [
        (FailureKind.RATE_LIMITED, 429, "true", "8"),
        (FailureKind.OVERLOADED, 500, "true", "8"),
        (FailureKind.MODEL_MISSING, 404, "true", "8"),
        (FailureKind.CONTEXT_OVERFLOW, 400, "false", None),
        (FailureKind.REQUEST_FAULT, 400, "false", None),
    ],
)
async def test_what_is_relayed_says_whether_and_when_to_try_again(
    path: str, kind: FailureKind, status: int, retry: str, after: str | None
) -> None:
    silent = refusal(DIALECTS[path], status)
    speaking = refusal(DIALECTS[path], status, **{"x-should-retry": "maybe", "retry-after-ms": "17"})
    told = [
        await post(gateway(local=failing(kind, retry_after_s=7.5, answer=answer)), path, chat(profile="solo"))
        for answer in (silent, speaking)
    ]

    assert [each.body for each in told] == [silent.body, speaking.body]
    assert (told[0].headers["x-should-retry"], told[0].headers.get("retry-after")) == (retry, after)
    assert (told[1].headers["x-should-retry"], told[1].headers["retry-after-ms"]) == ("maybe", "17")
    assert "retry-after" not in told[1].headers


@BOTH
async def test_an_only_attempt_in_another_dialect_is_told_in_ours(path: str) -> None:
    other = DIALECTS[MESSAGES if path == CHAT else CHAT]
    house = gateway(local=failing(FailureKind.RATE_LIMITED, status=429, answer=refusal(other, 429)))

    answered = await post(house, path, chat(profile="solo"))

    assert answered.status == 429
    assert "told rate-limited" in assert_enveloped(answered, path)["message"]


@BOTH
async def test_a_request_fault_is_relayed_even_after_other_attempts(path: str) -> None:
    answer = refusal(DIALECTS[path], 422, **{"content-type": "application/json"})
    house = gateway(
        local=failing(FailureKind.UNREACHABLE),
        cloud=failing(FailureKind.REQUEST_FAULT, status=422, answer=answer),
    )

    answered = await post(house, path, chat())

    assert (answered.status, answered.body) == (422, answer.body)
    assert answered.headers["x-should-retry"] == "false"
    assert answered.headers["x-coderouter-provider"] == "cloud"
    assert answered.headers["x-coderouter-attempts"] == "2"
    assert answered.headers["x-coderouter-fallback-reason"] == "unreachable"


@BOTH
@pytest.mark.parametrize(("upstream", "told"), [(400, 400), (403, 403), (413, 413), (422, 422), (500, 400)])
async def test_a_request_fault_across_dialects_keeps_status_and_message(
    path: str, upstream: int, told: int
) -> None:
    other = DIALECTS[MESSAGES if path == CHAT else CHAT]
    fault = failing(FailureKind.REQUEST_FAULT, status=upstream, answer=refusal(other, upstream))

    answered = await post(gateway(local=fault), path, chat())

    assert answered.status == told
    assert assert_enveloped(answered, path)["message"] == "told request-fault"
    assert answered.headers["x-should-retry"] == "false"


async def test_an_upstreams_redirect_is_never_relayed() -> None:
    moved = refusal("openai_chat", 302, location="https://elsewhere.example")
    house = gateway(local=failing(FailureKind.CREDENTIALS, status=302, answer=moved))

    answered = await post(house, CHAT, chat(profile="solo"))

    assert answered.status == 502
    assert "location" not in answered.headers


@pytest.mark.parametrize(
    ("body", "path_of_field"),
    [
        (b"{nonsense", None),
        (b"[]", None),
        (b"", None),
        (b"\xff\xfe", None),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}], "stream": "yes"}, "stream"),
    ],
)
async def test_a_malformed_chat_request_names_the_field(body: object, path_of_field: str | None) -> None:
    house = gateway()

    answered = await post(house, CHAT, body)

    error = assert_enveloped(answered, CHAT)
    assert (answered.status, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == path_of_field
    assert path_of_field is None or path_of_field in error["message"]
    assert answered.headers["x-should-retry"] == "false"
    assert house.completed.outcome is Outcome.REJECTED
    assert house.providers["local"].calls == []


async def test_a_malformed_messages_request_names_the_field() -> None:
    answered = await post(gateway(), MESSAGES, {"max_tokens": 5, "messages": "hi"})

    error = assert_enveloped(answered, MESSAGES)
    assert (answered.status, error["type"]) == (400, "invalid_request_error")
    assert "messages" in error["message"]


@BOTH
async def test_an_unknown_profile_lists_the_choices(path: str) -> None:
    answered = await post(gateway(), path, chat(profile="nope"))

    assert answered.status == 400
    assert "unknown profile 'nope'; available: default, solo" in answered.json["error"]["message"]


@BOTH
async def test_an_unknown_mode_lists_the_choices(path: str) -> None:
    answered = await post(gateway(), path, chat(), {"x-coderouter-mode": "nope"})

    assert answered.status == 400
    assert "available: quick" in answered.json["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
@BOTH
async def test_other_methods_are_told_which_one_there_is(path: str, method: str) -> None:
    house = gateway()

    answered = await Client(house.app, path, method=method).run()

    assert_enveloped(answered, path)
    assert (answered.status, answered.headers["allow"]) == (405, "POST")
    assert house.completed.outcome is Outcome.REJECTED


@BOTH
async def test_a_body_above_the_limit_is_refused(path: str) -> None:
    house = gateway(limits=InboundLimits(max_body_bytes=100))
    client = Client(house.app, path, pieces=[b"x" * 60, b"x" * 60, b"x" * 60])

    answered = await client.run()

    error = assert_enveloped(answered, path)
    assert answered.status == 413
    assert path == CHAT or error["type"] == "request_too_large"
    assert house.completed.outcome is Outcome.REJECTED


@pytest.mark.parametrize("length", ["101", "9" * 400])
async def test_an_announced_body_above_the_limit_is_refused_unread(length: str) -> None:
    house = gateway(limits=InboundLimits(max_body_bytes=100))
    client = Client(house.app, CHAT, pieces=[])  # a read would wait for ever

    client._scope["headers"].append((b"content-length", length.encode()))  # type: ignore[attr-defined]

    assert (await client.run()).status == 413


@BOTH
async def test_a_compressed_body_is_refused_with_the_remedy(path: str) -> None:
    answered = await post(gateway(), path, chat(), {"content-encoding": "gzip"})

    assert answered.status == 415
    assert answered.headers["accept-encoding"] == "identity"
    assert "uncompressed" in assert_enveloped(answered, path)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/v1/messages/nothing", 404),
        ("POST", "/v1/models", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/v1/models/nobody", 404),
    ],
)
async def test_what_does_not_exist_is_told_in_an_envelope(method: str, path: str, status: int) -> None:
    answered = await Client(gateway().app, path, method=method).run()

    assert_enveloped(answered, MESSAGES if path.startswith(MESSAGES) else CHAT)
    assert answered.status == status
    assert answered.headers["content-type"].startswith("application/json")
    assert "detail" not in json.loads(answered.body)
    assert status == 404 or "GET" in answered.headers["allow"]


async def test_a_bug_behind_any_other_route_is_told_in_an_envelope_too() -> None:
    @get("/broken", sync_to_thread=False)
    def broken() -> None:
        raise ZeroDivisionError("seven by nought")

    house = gateway()
    cast("Litestar", house.app).register(broken)

    answered = await Client(house.app, "/broken", method="GET").run()

    assert answered.status == 500
    assert "internal error" in assert_enveloped(answered, CHAT)["message"]
    assert "nought" not in answered.body.decode()
    assert "seven by nought" in house.sink.of(InternalFault)[0].error


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES])
@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_its_words(cause: Cause, dialect: Dialect) -> None:
    answer = error_answer(ChainFailed(Verdict(cause=cause, message="m")), dialect, "r")

    assert 400 <= answer.status < 600
    assert json.loads(answer.body)["error"]["type"]


@pytest.mark.parametrize("complaint", list(Complaint))
def test_every_complaint_has_its_words(complaint: Complaint) -> None:
    assert error_answer(Rejected(complaint, "m"), OPENAI_CHAT, "r").status == WORDINGS[complaint].status


async def test_a_header_value_can_never_begin_another_header() -> None:
    house = gateway(local=failing(FailureKind.SLOW, answer=refusal("openai_chat", 500, a="b\r\nx: y")))

    answered = await post(house, CHAT, chat(profile="solo"))

    assert answered.headers["a"] == "b x: y"
