"""All promises of an adapter, and the judgement of each."""

import asyncio

from adapters.outbound.contract.of_answers import OF_ANSWERS
from adapters.outbound.contract.of_building import OF_BUILDING
from adapters.outbound.contract.of_failures import OF_FAILURES
from adapters.outbound.contract.of_leaving import OF_LEAVING
from adapters.outbound.contract.of_more import OF_MORE
from adapters.outbound.contract.trial import BrokenPromise, NotAsked, Trial
from adapters.outbound.contract.verdicts import Broken, Kept, Promise, Unasked, Verdict
from adapters.outbound.ending import end

PROMISES: tuple[Promise, ...] = (*OF_BUILDING, *OF_ANSWERS, *OF_FAILURES, *OF_LEAVING, *OF_MORE)
"""In the order in which it helps to mend them."""


async def judge(promise: Promise, trial: Trial) -> Verdict:
    """
    Whether an adapter keeps a promise, told within the trial's patience and a little more.

    Whatever it leaves running is ended. An adapter that blocks the event loop without awaiting anything
    cannot be helped.
    """
    before = asyncio.all_tasks()
    task = asyncio.create_task(_judged(promise, trial))
    try:
        await asyncio.wait({task}, timeout=trial.patience_s)
    finally:
        done = task.done()
        for stray in {task} | asyncio.all_tasks() - before:
            await end(stray)
    return task.result() if done else Broken(f"nothing had come of it after {trial.patience_s:g} s")


async def _judged(promise: Promise, trial: Trial) -> Verdict:
    try:
        await promise.check(trial)
    except BrokenPromise as broken:
        return Broken(str(broken))
    except NotAsked as reason:
        return Unasked(str(reason))
    return Kept()
