"""One timer bounds many waits, each as `asyncio.timeout_at` would."""

import asyncio
from contextlib import AbstractContextManager, closing, suppress
from typing import Any

import pytest

from app.use_cases.deadline import Deadline

SOON_S = 0.02
LONG_S = 60.0


def now() -> float:
    return asyncio.get_running_loop().time()


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_wait_that_ends_in_time_is_left_alone() -> None:
    with closing(Deadline()) as deadline:
        for _ in range(3):
            with deadline.until(now() + LONG_S):
                await asyncio.sleep(0)

        assert not deadline.has_passed


async def test_a_wait_that_takes_longer_is_ended() -> None:
    with closing(Deadline()) as deadline:
        with deadline.until(now() + LONG_S):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), deadline.until(now() + SOON_S):
            await for_ever()

        assert deadline.has_passed
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
        with deadline.until(now() + LONG_S):
            await asyncio.sleep(2 * SOON_S)
        assert not deadline.has_passed


async def test_one_that_is_due_already_ends_at_its_first_pause() -> None:
    with closing(Deadline()) as deadline, pytest.raises(TimeoutError), deadline.until(now() - 1):
        await for_ever()


@pytest.mark.parametrize(("first_s", "then_s"), [(LONG_S, SOON_S), (SOON_S, 3 * SOON_S)])
async def test_a_wait_may_become_due_sooner_or_later(first_s: float, then_s: float) -> None:
    began = now()

    async def wait(deadline: Deadline) -> None:
        with deadline.until(began + first_s):
            deadline.move(began + then_s)
            await for_ever()

    with closing(Deadline()) as deadline, pytest.raises(TimeoutError):
        await wait(deadline)

    assert then_s <= now() - began < LONG_S / 2


async def test_time_between_two_waits_is_nobodys() -> None:
    with closing(Deadline()) as deadline:
        with deadline.until(now() + SOON_S):
            await asyncio.sleep(0)
        await asyncio.sleep(3 * SOON_S)
        with deadline.until(now() + LONG_S):
            await asyncio.sleep(0)


async def test_whoever_cancels_the_task_is_not_taken_for_the_clock() -> None:
    with closing(Deadline()) as deadline:

        async def wait() -> None:
            with deadline.until(now() + LONG_S):
                await for_ever()

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not deadline.has_passed


async def test_a_cancellation_that_comes_with_the_clock_is_not_lost() -> None:
    with closing(Deadline()) as deadline:

        async def wait() -> None:
            with deadline.until(now() + LONG_S):
                deadline.move(now() - 1)
                await for_ever()

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(waiting.cancel)
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_an_error_of_the_work_itself_stays_what_it_is() -> None:
    async def work() -> None:
        with suppress(asyncio.CancelledError):
            await for_ever()
        raise KeyError

    with closing(Deadline()) as deadline:
        with pytest.raises(KeyError), deadline.until(now() + SOON_S):
            await work()
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_thousand_waits_set_a_handful_of_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    real = loop.call_at

    def noted(*arguments: Any, **options: Any) -> asyncio.TimerHandle:
        timers.append(real(*arguments, **options))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", noted)

    with closing(Deadline()) as deadline:
        for _ in range(1000):
            with deadline.until(loop.time() + LONG_S):
                await asyncio.sleep(0)

    assert len(timers) <= 3
    assert all(timer.cancelled() for timer in timers)


async def test_outside_a_task_nobody_can_be_ended() -> None:
    deadline = Deadline()
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def enter() -> None:
        entered: AbstractContextManager[Deadline] = deadline.until(now() + LONG_S)
        try:
            entered.__enter__()
        except RuntimeError as error:
            told.set_result(str(error))

    asyncio.get_running_loop().call_soon(enter)

    assert "Only a task" in await told
