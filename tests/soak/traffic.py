"""Clients of all sorts that ask until they are told to stop: whole, streamed, with tools, slow, or gone."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import httpx

from tests.e2e.clients import TLS
from tests.soak import house

ROUTES = {
    "openai_chat": "/v1/chat/completions",
    "anthropic_messages": "/v1/messages",
    "openai_responses": "/v1/responses",
}
_PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}}
_TOOLS: dict[str, dict[str, Any]] = {
    "openai_chat": {"type": "function", "function": {"name": "look", "parameters": _PARAMETERS}},
    "anthropic_messages": {"name": "look", "input_schema": _PARAMETERS},
    "openai_responses": {"type": "function", "name": "look", "parameters": _PARAMETERS},
}
_PATIENCE_S = 60.0
_PAUSE_S = 0.15
"""At most so long a client thinks between two questions."""
_FORGIVEN_EVERY_S = 3.0
"""Else whoever is out of quota would never be asked again."""


class Traffic:
    """
    A number of clients at one gateway.

    Attributes:
        statuses: how often each was answered.
        deeds: how often each thing was done.
    """

    def __init__(self, address: str, clients: int) -> None:
        self.statuses = Counter[int]()
        self.deeds = Counter[str]()
        self._address = address
        self._clients = clients
        self._over = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Traffic of {self._clients} clients, {self.deeds.total()} requests>"

    async def run(self, seconds: float) -> None:
        """Asks for so long, then lets whatever is under way end. Raises what a client could not bear."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forgives())
            for number in range(self._clients):
                group.create_task(self._asks(random.Random(number)))  # noqa: S311  a mix, no secret
            await asyncio.sleep(seconds)
            self._over.set()

    async def _asks(self, dice: random.Random) -> None:
        while not self._over.is_set():
            async with httpx.AsyncClient(base_url=self._address, timeout=_PATIENCE_S, verify=TLS) as client:
                for _ in range(dice.randint(1, 40)):
                    await self._asks_once(client, dice)
                    if self._over.is_set():
                        break

    async def _asks_once(self, client: httpx.AsyncClient, dice: random.Random) -> None:
        deed = dice.choices(list(_DEEDS), [weight for weight, _ in _DEEDS.values()])[0]
        self.deeds[deed] += 1
        status = await _DEEDS[deed][1](client, dice)
        if status is not None:
            self.statuses[status] += 1
        await asyncio.sleep(dice.random() * _PAUSE_S)

    async def _forgives(self) -> None:
        async with httpx.AsyncClient(base_url=self._address, timeout=_PATIENCE_S, verify=TLS) as client:
            while not self._over.is_set():
                (await client.post("/admin/health/reset", json={})).raise_for_status()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), _FORGIVEN_EVERY_S)


def _question(dice: random.Random, models: list[str], **fields: Any) -> tuple[str, dict[str, Any]]:
    """Where to, and what."""
    dialect = dice.choice(list(ROUTES))
    words = "please " * dice.randint(1, 200) + "say hello."
    said = {"input": words} if dialect == "openai_responses" else {"messages": [_user(words)]}
    bound = "max_output_tokens" if dialect == "openai_responses" else "max_tokens"
    body = {"model": dice.choice(models), "stream": dice.random() < _STREAMED, bound: 100, **said, **fields}
    if dice.random() < _WITH_TOOLS:
        body["tools"] = [_TOOLS[dialect]]
    return ROUTES[dialect], body


_STREAMED = 0.6
_WITH_TOOLS = 0.3


def _user(words: str) -> dict[str, str]:
    return {"role": "user", "content": words}


def _asks_of(models: list[str]) -> "Deed":
    async def asks(client: httpx.AsyncClient, dice: random.Random) -> int | None:
        path, body = _question(dice, models)
        return (await client.post(path, json=body)).status_code

    return asks


async def _leaves(client: httpx.AsyncClient, dice: random.Random) -> int | None:
    """At some moment: before the head, while queued, in the midst."""
    models = [*house.STEADY, *house.BUSY, *house.DEAR, *house.LONG_WINDED, *house.FAILING]
    path, body = _question(dice, models)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(dice.random() * 0.3):
            await client.post(path, json=body)
    return None


async def _reads_slowly(client: httpx.AsyncClient, dice: random.Random) -> int | None:
    path, body = _question(dice, house.LONG_WINDED, stream=True)
    async with client.stream("POST", path, json=body) as answer:
        async for _ in answer.aiter_bytes(16_384):
            await asyncio.sleep(dice.random() * 0.05)
    return answer.status_code


async def _says_nonsense(client: httpx.AsyncClient, dice: random.Random) -> int | None:
    path = dice.choice(list(ROUTES.values()))
    body = dice.choice([b"{", b"[]", b'{"model": 7}', b"\xff", b'{"model":"nobody","messages":[]}'])
    return (await client.post(path, content=body)).status_code


async def _looks(client: httpx.AsyncClient, dice: random.Random) -> int | None:
    path = dice.choice(["/v1/models", "/metrics", "/metrics.json", "/admin/health", "/admin/requests"])
    return (await client.get(path)).status_code


async def _counts(client: httpx.AsyncClient, dice: random.Random) -> int | None:
    body = {"model": dice.choice(house.STEADY), "messages": [_user("word " * dice.randint(1, 500))]}
    return (await client.post("/v1/messages/count_tokens", json=body)).status_code


Deed: TypeAlias = Callable[[httpx.AsyncClient, random.Random], Awaitable[int | None]]

_DEEDS: dict[str, tuple[int, Deed]] = {
    "asks": (30, _asks_of(house.STEADY)),
    "asks one that fails": (25, _asks_of(house.FAILING)),
    "asks one that is busy": (20, _asks_of(house.BUSY)),
    "asks one that is dear": (10, _asks_of(house.DEAR)),
    "leaves": (12, _leaves),
    "reads slowly": (3, _reads_slowly),
    "says nonsense": (4, _says_nonsense),
    "looks": (3, _looks),
    "counts": (3, _counts),
}
"""How often each of the things that clients do is done, and how."""
