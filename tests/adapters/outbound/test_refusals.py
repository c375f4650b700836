"""What a refusal's status says is never lost over its words."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.exchange import refused
from domain.failures import FailureKind
from tests.fakes.fixed_clock import FixedClock

BEGUN = b'{"error": {"message": "slow down'


class Unfinished(httpx.AsyncByteStream):
    """A body that begins, and then breaks or hangs."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield BEGUN
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, FailureKind.RATE_LIMITED), (401, FailureKind.CREDENTIALS), (503, FailureKind.OVERLOADED)],
)
@pytest.mark.parametrize("error", [httpx.ReadError(""), httpx.DecodingError("not gzip")], ids=repr)
async def test_a_refusal_whose_body_breaks_off_is_told_by_its_status(
    status: int, kind: FailureKind, error: Exception
) -> None:
    response = httpx.Response(status, headers={"retry-after": "7"}, stream=Unfinished(error))

    failure = await refused(response, FixedClock(), OPENAI_CHAT.name, OPENAI_CHAT.decode_error)

    assert (failure.kind, failure.status, failure.retry_after_s) == (kind, status, 7.0)
    assert failure.answer is not None
    assert failure.answer.body == BEGUN


async def test_a_refusal_whose_body_never_ends_is_not_waited_for() -> None:
    response = httpx.Response(429, stream=Unfinished(None))
    began_at = time.monotonic()

    failure = await refused(response, FixedClock(), OPENAI_CHAT.name, OPENAI_CHAT.decode_error, within_s=0.05)

    assert failure.kind is FailureKind.RATE_LIMITED
    assert time.monotonic() - began_at < 5
