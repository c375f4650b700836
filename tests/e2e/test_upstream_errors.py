"""What an upstream says when it refuses reaches the client: in its own bytes, or in our words."""

import httpx
import pytest

from tests.e2e.clients import DIALECTS, OTHER_KIND, PATHS, SAME_KIND, TLS, ClientDialect, ask
from tests.e2e.gateway import Gateway
from tests.e2e.stage import Stage
from tests.upstream.behaviours import Status

ODD_BODIES = {
    "openai_chat": b'{ "error":{"message":"Zu viel: \xc3\xbc","type":"x_error",  "code":"odd"}  }\n',
    "anthropic_messages": b'{"type" : "error","error":{"type":"x_error","message":"Zu viel: \xc3\xbc"}}\n',
}
"""Spelt in a way that no encoder of ours would choose."""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 422, 429, 500, 529])
def test_the_refusal_of_the_only_one_asked_is_relayed_byte_for_byte(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, stream: bool, status: int
) -> None:
    headers = {"request-id": "theirs-7", "retry-after": "17"}
    stage.plays(first=Status(status, body=ODD_BODIES[dialect], headers=headers))

    answer = ask(gateway, dialect, f"first-{SAME_KIND[dialect]}", stream=stream)

    assert answer.status_code == status
    assert answer.content == ODD_BODIES[dialect]
    assert answer.headers["request-id"] == "theirs-7"
    assert answer.headers["retry-after"] == "17"
    assert answer.headers["x-request-id"].startswith("e2e-")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_relayed_says_how_long_its_provider_is_left_alone(
    gateway: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    stage.plays(first=Status(429, body=ODD_BODIES[dialect]))

    answer = ask(gateway, dialect, f"first-{SAME_KIND[dialect]}")

    assert (answer.status_code, answer.content) == (429, ODD_BODIES[dialect])
    assert (answer.headers["x-should-retry"], answer.headers["retry-after"]) == ("true", "5")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_request_fault_keeps_status_and_words_across_dialects(
    gateway: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    stage.plays(first=Status(422))

    answer = ask(gateway, dialect, f"first-{OTHER_KIND[dialect]}")

    assert answer.status_code == 422
    assert answer.headers["x-should-retry"] == "false"
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert "scripted 422" in error["message"]
    assert (answer.json().get("type") == "error") == (dialect == "anthropic_messages")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_request_fault_ends_the_chain(gateway: Gateway, stage: Stage, dialect: ClientDialect) -> None:
    kind = SAME_KIND[dialect]
    stage.plays(first=Status(400, body=ODD_BODIES[dialect]))

    answer = ask(gateway, dialect, f"chain-{kind}")

    assert answer.status_code == 400
    assert answer.content == ODD_BODIES[dialect]
    assert stage["second"].chats == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_everyone_rate_limited_is_a_429_with_the_earliest_hour(
    gateway: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    stage.plays(first=Status(429, headers={"retry-after": "30"}))

    answer = ask(gateway, dialect, f"first-{OTHER_KIND[dialect]}")

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert answer.headers["x-should-retry"] == "true"
    assert answer.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"model": 7, "messages": []}', b'{"model": "default"}', b"\xff\xfe"]
)
def test_a_bad_request_is_told_in_the_clients_envelope(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, body: bytes
) -> None:
    answer = httpx.post(gateway.address + PATHS[dialect], content=body, verify=TLS)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"]
    assert stage["first"].chats == []
