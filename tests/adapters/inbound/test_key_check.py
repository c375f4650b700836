"""Whose requests get in, and how the others are told."""

from dataclasses import dataclass
from typing import cast

import pytest
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.key_check import (
    FAILURES_WITHIN_S,
    MOST_FAILURES,
    KeyCheck,
    caller_of,
    needed_scope,
)
from adapters.inbound.http.response import HttpResponse
from adapters.inbound.http.routes import Envelopes
from domain.access.keys import Key, KeyRing, StoredKey, UnreadableKey, digest_of, token_of
from domain.access.keys import Scope as KeyScope
from domain.inventory.access import AuthRejected
from tests.adapters.inbound.gateway import Answered, Client
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink

SECRET = "s" * 43


def key(name: str, *scopes: KeyScope) -> Key:
    return Key(id=name, member=f"{name}-member", digest=digest_of(name, SECRET), scopes=frozenset(scopes))


def token(name: str) -> str:
    return token_of(name, SECRET)


KEYS = (
    key("user", KeyScope.INFERENCE),
    key("watch", KeyScope.METRICS),
    key("boss", KeyScope.ADMIN),
)


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    caller = caller_of(scope)
    await HttpResponse(send).whole(200, (), f"{caller.member}/{caller.key_id}".encode())


@dataclass(slots=True)
class Standing:
    """Keys that change when they are looked at again, if others have been made; how often they were."""

    ring: KeyRing
    are_known: bool
    made: tuple[StoredKey, ...] = ()
    looks: int = 0

    async def look_again(self) -> None:
        self.looks += 1
        self.ring = KeyRing((*self.ring, *self.made), {})


class Door:
    """A key check before an application that says who came in."""

    def __init__(self, *keys: StoredKey, known: bool = True) -> None:
        self.sink, self.clock = RecordingSink(), FixedClock()
        envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
        self.keys = Standing(KeyRing(keys, {}), are_known=known)
        self.app = KeyCheck(
            cast("ASGIApp", inside),
            self.keys,
            sink=self.sink,
            clock=self.clock,
            dialect_for=envelopes.dialect_for,
            ids=lambda: "new-id",
        )

    async def ask(self, path: str, *, method: str = "POST", **headers: str) -> Answered:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await Client(cast("ASGIApp", self.app), path, method=method, headers=named).run()


async def test_without_any_key_everybody_gets_in() -> None:
    answered = await Door().ask("/v1/messages", x_api_key="any")

    assert (answered.status, answered.body) == (200, b"/")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {token('user')}"},
        {"authorization": f"bearer  {token('user')}"},
        {"x_api_key": token("user")},
        {"x_api_key": token("user"), "authorization": "Bearer sk-something-else"},
        {"x_api_key": "sk-ant-old", "authorization": f"Bearer {token('user')}"},
    ],
)
async def test_a_key_may_come_in_either_header(headers: dict[str, str]) -> None:
    answered = await Door(*KEYS).ask("/v1/messages", **headers)

    assert (answered.status, answered.body) == (200, b"user-member/user")


@pytest.mark.parametrize(
    ("path", "opens"),
    [
        ("/v1/chat/completions", "user"),
        ("/v1/messages", "user"),
        ("/v1/messages/count_tokens", "user"),
        ("/v1/responses", "user"),
        ("/v1/embeddings", "user"),
        ("/v1/models", "user"),
        ("/metrics", "watch"),
        ("/metrics.json", "watch"),
        ("/dashboard", "watch"),
        ("/admin/plan", "boss"),
        ("/admin/quotas", "boss"),
        ("/admin/requests/abc", "boss"),
        ("//admin/plan", "boss"),
        ("/something-new", "boss"),
        ("/metricsx", "boss"),
    ],
)
async def test_each_path_opens_to_one_scope_only(path: str, opens: str) -> None:
    door = Door(*KEYS)

    let_in = [name for name in ("user", "watch", "boss") if await opened(door, path, name)]

    assert let_in == [opens]


async def opened(door: Door, path: str, name: str) -> bool:
    answered = await door.ask(path, x_api_key=token(name))
    assert answered.status in (200, 403)
    return answered.status == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/api/hello"])
async def test_anybody_may_see_that_it_lives(path: str) -> None:
    door = Door(*KEYS)

    assert (await door.ask(path, method="GET")).status == 200
    assert (await door.ask(path, method="HEAD")).status == 200
    assert (await door.ask(path, method="POST")).status == 401


async def test_a_missing_key_is_told_in_the_language_of_the_path() -> None:
    door = Door(*KEYS)

    openai = await door.ask("/v1/chat/completions")
    anthropic = await door.ask("/v1/messages")

    assert openai.status == anthropic.status == 401
    assert openai.json["error"]["code"] == "invalid_api_key"
    assert openai.json["error"]["type"] == "authentication_error"
    assert anthropic.json["error"]["type"] == "authentication_error"
    assert "cr_" in anthropic.json["error"]["message"]
    assert openai.headers["www-authenticate"] == 'Bearer realm="coderouter"'
    assert openai.headers["x-should-retry"] == "false"


async def test_a_refusal_is_an_event_without_the_key() -> None:
    door = Door(*KEYS)
    wrong = token_of("user", "w" * 43)

    await door.ask("/v1/messages", x_api_key=wrong, x_request_id="r-7")

    (told,) = door.sink.of(AuthRejected)
    assert (told.request_id, told.reason, told.key_id, told.scope) == ("r-7", "unknown", "user", "inference")
    assert "w" * 43 not in repr(told)


async def test_who_keeps_guessing_is_told_to_wait_and_good_keys_are_not() -> None:
    door = Door(*KEYS)
    for _ in range(MOST_FAILURES):
        assert (await door.ask("/v1/messages", x_api_key="wrong")).status == 401

    throttled = await door.ask("/v1/messages", x_api_key="wrong")

    assert throttled.status == 429
    assert int(throttled.headers["retry-after"]) == FAILURES_WITHIN_S
    assert (await door.ask("/v1/messages", x_api_key=token("user"))).status == 200
    door.clock.advance(FAILURES_WITHIN_S)
    assert (await door.ask("/v1/messages", x_api_key="wrong")).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x_api_key": token("fresh")},
        {"x_api_key": "sk-ant-old", "authorization": f"Bearer {token('fresh')}"},
        {"x_api_key": "", "authorization": f"Bearer {token('fresh')}"},
    ],
)
async def test_a_key_made_elsewhere_a_moment_ago_gets_in(headers: dict[str, str]) -> None:
    door = Door(*KEYS)
    door.keys.made = (key("fresh", KeyScope.INFERENCE),)

    answered = await door.ask("/v1/messages", **headers)

    assert (answered.status, answered.body) == (200, b"fresh-member/fresh")
    assert door.sink.of(AuthRejected) == []


async def test_no_other_key_waits_for_a_look() -> None:
    door = Door(*KEYS)

    answers = [
        await door.ask("/v1/messages", x_api_key=shown) for shown in (token("user"), token("boss"), "sk")
    ]

    assert [answered.status for answered in answers] == [200, 403, 401]
    assert door.keys.looks == 0


async def test_a_wrong_key_behind_an_empty_one_is_a_guess_all_the_same() -> None:
    door = Door(*KEYS)

    answers = [
        await door.ask("/v1/messages", x_api_key="", authorization=f"Bearer {token_of('user', 'w' * 43)}")
        for _ in range(MOST_FAILURES + 1)
    ]

    assert answers[-1].status == 429


def test_a_path_that_nobody_thought_of_is_for_administrators() -> None:
    assert needed_scope("/whatever") is KeyScope.ADMIN
    assert needed_scope("/") is KeyScope.ADMIN


async def test_as_long_as_keys_cannot_be_read_nobody_gets_in_and_no_key_is_called_bad() -> None:
    door = Door(known=False)

    unknown = await door.ask("/v1/messages", x_api_key=token("user"))

    assert (unknown.status, unknown.json["error"]["type"]) == (503, "overloaded_error")
    assert unknown.headers["retry-after"] == "1"
    # It may also be that there is no key at all, and none is needed.
    assert (await door.ask("/v1/messages")).status == 503
    assert (await door.ask("/healthz", method="GET")).status == 200


async def test_keys_of_the_configuration_open_even_while_the_state_is_away() -> None:
    assert (await Door(*KEYS, known=False).ask("/v1/messages", x_api_key=token("user"))).status == 200


async def test_a_key_whose_record_cannot_be_read_is_refused_by_name_and_guards_the_door() -> None:
    door = Door(UnreadableKey(key("user"), reason="it is garbled"))

    shown = [await door.ask("/v1/messages", x_api_key=token("user")) for _ in range(25)]
    without = await door.ask("/v1/messages")

    assert {answered.status for answered in shown} == {503}
    assert b"its log tells why" in shown[0].body
    assert without.status == 401
    told = door.sink.of(AuthRejected)[0]
    assert (told.reason, told.key_id) == ("unreadable", "user")
