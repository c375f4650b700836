"""A client that never finishes its request is not waited for, and one that merely takes its time is."""

import asyncio
from typing import Any

import pytest

from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.request_body import read_body
from domain.events import InternalFault, Outcome
from tests.adapters.inbound.gateway import CHAT, MESSAGES, RESPONSES, Client, gateway


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_body_that_stops_coming_is_answered_in_an_envelope(path: str) -> None:
    house = gateway(limits=InboundLimits(body_idle_s=0.05))

    answered = await Client(house.app, path, pieces=[]).run()

    assert answered.status == 408
    assert answered.json["error"]["type"] == "invalid_request_error"
    assert "nothing more of the request body came for 0.05 s" in answered.json["error"]["message"]
    assert answered.headers["connection"] == "close"
    assert answered.headers["x-should-retry"] == "true"
    assert house.completed.outcome is Outcome.REJECTED
    assert house.sink.of(InternalFault) == []
    assert house.providers["local"].calls == []


async def test_a_body_may_take_its_time_as_long_as_it_comes() -> None:
    pieces = [b"piece"] * 15

    async def receive() -> Any:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": pieces.pop(), "more_body": bool(pieces)}

    assert await read_body(receive, {}, 1000, idle_s=0.5) == b"piece" * 15
