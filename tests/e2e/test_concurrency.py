"""Many clients at once are many clients served."""

import asyncio

import httpx
import pytest

from tests.e2e.clients import DIALECTS, PATHS, ClientDialect, frames, is_terminated, question
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind, Stage
from tests.upstream.behaviours import Answer
from tests.upstream.scripted_upstream import wait_until

MANY = 64


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_many_at_once_all_get_their_own_answer(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, stream: bool
) -> None:
    stage.plays(first=lambda request: Answer.text(f"hello {_name(request.raw_body)}", pace_s=0.02))

    answers = await _asked_at_once(gateway, dialect, f"first-{kind}", stream=stream)

    assert [answer.status_code for answer in answers] == [200] * MANY
    for number, answer in enumerate(answers):
        assert f"client-{number}-" in "".join(answer.text.split())
        assert not stream or is_terminated(dialect, answer.text)
        assert not stream or not any("error" in frame for frame in frames(answer.text))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == MANY
    wait_until(lambda: sum(each["outcome"] == "answered" for each in _completed(gateway, ids)) == MANY)


async def _asked_at_once(
    gateway: Gateway, dialect: ClientDialect, model: str, *, stream: bool
) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=MANY)
    async with httpx.AsyncClient(base_url=gateway.address, limits=limits, timeout=30) as client:
        bodies = [
            question(model, stream=stream, messages=[{"role": "user", "content": f"I am client-{number}-"}])
            for number in range(MANY)
        ]
        return list(await asyncio.gather(*(client.post(PATHS[dialect], json=body) for body in bodies)))


def _name(body: bytes) -> str:
    return body.partition(b"I am ")[2].partition(b'"')[0].decode()


def _completed(gateway: Gateway, ids: list[str]) -> list[dict[str, object]]:
    return [e for e in gateway.events() if e["event"] == "request-completed" and e["request_id"] in ids]
