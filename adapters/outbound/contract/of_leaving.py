"""What is promised of an adapter when nobody wants the rest of its answer."""

import asyncio
import time
from contextlib import aclosing

from adapters.outbound.contract.observed_transport import Ending, ending, mute
from adapters.outbound.contract.questions import question
from adapters.outbound.contract.stage import Scene
from adapters.outbound.contract.trial import BrokenPromise, Heard, Opened, Trial, in_words
from adapters.outbound.contract.verdicts import Promise
from adapters.outbound.ending import CLOSING_S
from adapters.outbound.foreign_failures import contained
from domain.failures import UpstreamFailure

SOON_S = 5 * CLOSING_S
"""A slow machine may take longer than the gateway waits."""
_POLL_S = 0.01
_QUIET_S = 0.3
"""Who has said nothing for so long on a stage of its own has fallen silent."""


async def _ends_when_closed(trial: Trial) -> None:
    async with trial.opened() as opened:
        began = asyncio.Event()
        closing = asyncio.create_task(_close_after_first(opened, began))
        await _first_of(closing, began)
        await _require_ended(closing, "its generator was closed")
        closing.result()
        await _require_free(opened)


async def _close_after_first(opened: Opened, began: asyncio.Event) -> None:
    try:
        with contained():
            async with aclosing(opened.provider.converse(question(opened.setting))) as answer:
                async for _ in answer:
                    break
                began.set()
    except UpstreamFailure as failure:
        raise BrokenPromise(f"it failed: {in_words(failure)}") from failure


async def _ends_when_cancelled(trial: Trial) -> None:
    async with trial.troubled(Scene.FALLS_SILENT, ending(Ending.SILENCE)) as opened:
        await _cancel_in_the_midst(opened)


async def _ends_before_its_answer(trial: Trial) -> None:
    async with trial.troubled(Scene.FALLS_SILENT, mute) as opened:
        await _cancel_in_the_midst(opened)


async def _leaves_nothing_running(trial: Trial) -> None:
    async with trial.troubled(Scene.FALLS_SILENT, ending(Ending.SILENCE)) as opened:
        left = [await _left_running(opened) for _ in range(3)]
    if left[-1] > left[0]:
        more = left[-1] - left[0]
        raise BrokenPromise(f"two conversations that were cancelled left {more} more tasks running")


async def _left_running(opened: Opened) -> int:
    await _cancel_in_the_midst(opened)
    return len(asyncio.all_tasks())


async def _cancel_in_the_midst(opened: Opened) -> None:
    heard = Heard()
    opened.transport.silent.clear()
    listening = asyncio.create_task(heard.listen(opened.provider, question(opened.setting)))
    await _silence(opened, heard, listening)
    opened.require_asked()
    if listening.done():
        raise BrokenPromise(_ended_by_itself(heard))
    listening.cancel()
    await _require_ended(listening, "its task was cancelled")
    if not listening.cancelled():
        raise BrokenPromise(f"it swallowed its cancellation{_instead(heard)}")
    await _require_free(opened)


async def _silence(opened: Opened, heard: Heard, listening: "asyncio.Task[None]") -> None:
    """Waits until the upstream has nothing more to say; on its own stage, until nothing came for a while."""
    since, told = time.monotonic(), len(heard.batches)
    while not opened.transport.silent.is_set() and not listening.done():
        await asyncio.sleep(_POLL_S)
        if len(heard.batches) > told:
            since, told = time.monotonic(), len(heard.batches)
        if not opened.must_ask and told and time.monotonic() - since > _QUIET_S:
            return
    await asyncio.sleep(_POLL_S)  # what came before the silence is told by now


def _ended_by_itself(heard: Heard) -> str:
    if heard.failure is not None:
        return f"it did not wait for an upstream that said nothing: {in_words(heard.failure)}"
    return "it ended by itself while its upstream had not"


def _instead(heard: Heard) -> str:
    return f" and raised {in_words(heard.failure)}" if heard.failure is not None else ""


async def _first_of(task: "asyncio.Task[None]", event: asyncio.Event) -> None:
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _require_ended(task: "asyncio.Task[None]", when: str) -> None:
    await asyncio.wait({task}, timeout=SOON_S)
    if not task.done():
        raise BrokenPromise(
            f"it had not ended {SOON_S:g} s after {when}; the gateway waits for {CLOSING_S:g} s"
        )


async def _require_free(opened: Opened) -> None:
    """What an adapter took from its kit's transport it gives back."""
    if not await opened.transport.is_free(within_s=SOON_S):
        raise BrokenPromise(f"{opened.transport.held} HTTP responses were never closed")


OF_LEAVING = (
    Promise(
        "ends-when-closed",
        "Closing its generator after the first batch ends it soon, and frees its connection.",
        _ends_when_closed,
    ),
    Promise(
        "ends-when-cancelled",
        "So does cancelling it while it waits for a silent upstream.",
        _ends_when_cancelled,
    ),
    Promise(
        "ends-before-its-answer",
        "So does cancelling it before the upstream has said a word.",
        _ends_before_its_answer,
    ),
    Promise(
        "leaves-nothing-running",
        "A conversation that was cancelled leaves no task of its own behind.",
        _leaves_nothing_running,
    ),
)
"""The promises of clients that leave."""
