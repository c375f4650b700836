"""Which hosts and origins are served: a web page must not turn a browser on us."""

import socket
from typing import cast

import pytest
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.host_check import HostCheck
from adapters.inbound.http.response import HttpResponse
from adapters.inbound.http.routes import Envelopes
from tests.adapters.inbound.gateway import Answered, Client

MACHINE = socket.gethostname().lower()


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    await HttpResponse(send).whole(204, (), b"")


def guarded() -> ASGIApp:
    envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
    check = HostCheck(
        cast("ASGIApp", inside),
        allowed=["Llm.Home.Example", "box.lan.", "den.lan:8088"],
        dialect_for=envelopes.dialect_for,
        ids=lambda: "new-id",
    )
    return cast("ASGIApp", check)


async def ask(path: str = "/", **headers: str) -> Answered:
    return await Client(guarded(), path, headers=headers, method="GET").run()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8088",
        "LocalHost:8088",
        "localhost.",
        "gateway.localhost",
        "127.0.0.1",
        "127.0.0.1:8088",
        "192.168.1.20:8088",
        "[::1]",
        "[::1]:8088",
        "[FE80::1]:8088",
        "llm.home.example",
        "LLM.home.example.:443",
        "box.lan",
        "den.lan",
        "den.lan:8088",
        "den.lan:443",
        MACHINE,
        f"{MACHINE.partition('.')[0]}.local:8088",
    ],
)
async def test_hosts_that_are_ours_are_served(host: str) -> None:
    assert (await ask(host=host)).status == 204


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8088",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1.evil.example",
        "2130706433",
        "0x7f.1",
        "user@localhost",
        "localhost:port",
        "localhost:1:2",
        "[::1",
        "::1",
        "[localhost]",
        "localhost/evil",
        "localhost evil",
        "..",
    ],
)
async def test_other_hosts_are_refused(host: str) -> None:
    answered = await ask(host=host)

    assert answered.status == 403
    assert answered.json["error"]["type"] == "permission_error"
    assert "server.allowed_hosts" in answered.json["error"]["message"]
    assert answered.headers["x-request-id"] == "new-id"


async def test_a_refusal_names_the_host_as_the_configuration_wants_it() -> None:
    answered = await ask(host="Attic.LAN:8088")

    assert "host 'attic.lan' is not served here" in answered.json["error"]["message"]


@pytest.mark.parametrize("host", ["", " "])
async def test_a_request_without_a_host_is_malformed(host: str) -> None:
    assert (await ask(host=host)).status == 400


async def test_two_hosts_are_malformed() -> None:
    client = Client(guarded(), "/", method="GET")
    cast("list[tuple[bytes, bytes]]", client._scope["headers"]).append((b"host", b"localhost"))

    assert (await client.run()).status == 400


async def test_no_host_header_at_all_is_malformed() -> None:
    client = Client(guarded(), "/", method="GET")
    client._scope["headers"] = []

    assert (await client.run()).status == 400


async def test_forwarding_headers_change_nothing() -> None:
    lying = {"x-forwarded-host": "localhost", "forwarded": "host=localhost"}

    assert (await ask(host="evil.example", **lying)).status == 403
    assert (await ask(host="localhost", **{"x-forwarded-host": "evil.example"})).status == 204


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8088", "http://localhost:8088"),
        ("localhost:8088", "http://localhost:3000"),
        ("localhost:8088", "http://127.0.0.1:3000"),
        ("localhost:8088", "http://[::1]:3000"),
        ("localhost", "HTTPS://LLM.Home.Example"),
        ("192.168.1.20:8088", "http://192.168.1.20:8088"),
        ("localhost", "tauri://localhost"),
    ],
)
async def test_pages_of_our_own_hosts_may_call(host: str, origin: str) -> None:
    assert (await ask(host=host, origin=origin)).status == 204


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost.evil.example",
        "http://203.0.113.9",
        "http://[2001:db8::1]",
        "null",
        "localhost",
        "http://",
        "file://",
        "http://evil.example#localhost",
        "http://evil.example@localhost",
    ],
)
async def test_pages_of_strangers_may_not_even_by_their_address(origin: str) -> None:
    answered = await ask(host="localhost", origin=origin)

    assert answered.status == 403


async def test_a_refusal_speaks_the_dialect_of_its_path() -> None:
    answered = await ask("/v1/messages", host="evil.example")

    assert answered.json["type"] == "error"
    assert answered.json["request_id"] == "new-id"


async def test_a_web_socket_of_a_stranger_is_closed() -> None:
    client = Client(guarded(), "/")
    client._scope["headers"] = [(b"host", b"evil.example")]
    cast("dict[str, object]", client._scope)["type"] = "websocket"

    answered = await client.run()

    assert answered.messages[0]["type"] == "websocket.close"


async def test_starting_and_stopping_pass_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
    check = HostCheck(
        cast("ASGIApp", app), allowed=(), dialect_for=envelopes.dialect_for, ids=lambda: "new-id"
    )
    client = Client(cast("ASGIApp", check), "/")
    cast("dict[str, object]", client._scope)["type"] = "lifespan"

    await client.run()

    assert seen == ["lifespan"]
