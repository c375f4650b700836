"""
A gateway under mixed traffic for `SOAK_MINUTES` (20) holds on to nothing, and has no error of its own.

The first half warms it up: histories that are bounded fill, and allocators find their size.
"""

import asyncio
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lab_cast
from tests.e2e.clients import ask, forgive
from tests.e2e.gateway import Gateway, running
from tests.soak import house
from tests.soak.traffic import Traffic
from tests.soak.vitals import MemoryWatch, Vitals, vitals
from tests.upstream.scripted_upstream import (
    ScriptedUpstream,
    refusing_port,
    served_in_thread,
    wait_until,
)

SOAKED_S = 60 * float(os.environ.get("SOAK_MINUTES", "20"))
WARM_AFTER = 0.4
WINDOW = 0.15
"""Parts of the time: until memory is called warm, and over which it is looked at, then and at the end."""
CLIENTS = 16
MOST_GROWTH = 1.10
STATUSES = {200, 400, 403, 404, 409, 422, 429, 502, 503, 504, 529}
"""What clients may read here; a 500 would be the gateway's own."""
QUIET_WITHIN_S = 120.0
"""Pooled connections that nobody uses have ended by then."""

pytestmark = pytest.mark.timeout(SOAKED_S + 600)


def test_it_holds_on_to_nothing(tmp_path: Path) -> None:
    shutil.copy(Path(lab_cast.__file__), tmp_path / "lab_cast.py")
    with served_in_thread(ScriptedUpstream(house.plays)) as upstream, refusing_port() as refusing:
        config = house.config(upstream.port, refusing)
        with running(tmp_path, config) as gateway:
            before = _primed(gateway)
            traffic, watch = Traffic(gateway.address, CLIENTS), MemoryWatch(gateway.process.pid)
            asyncio.run(_soaked(traffic, watch, upstream))
            after = _quiet(gateway, before)
            warm, end = _memory(watch)
            _tell(traffic, before, after, warm, end)

            assert set(traffic.statuses) <= STATUSES
            assert end <= warm * MOST_GROWTH
            _assert_every_seat_is_free(gateway)
        with running(tmp_path, config) as gateway:
            _assert_no_money_is_promised(gateway, after)


async def _soaked(traffic: Traffic, watch: MemoryWatch, upstream: ScriptedUpstream) -> None:
    others = [asyncio.create_task(each) for each in (watch.run(), _forgetting(upstream))]
    await traffic.run(SOAKED_S)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _forgetting(upstream: ScriptedUpstream) -> None:
    """The scripted upstream remembers everything, which is too much here."""
    while True:
        upstream.requests.clear()
        upstream.connections.clear()
        await asyncio.sleep(1)


def _primed(gateway: Gateway) -> Vitals:
    """Whatever is begun with the first request of its kind is there."""
    for model in (*house.STEADY, *house.BUSY, *house.DEAR):
        assert ask(gateway, "openai_chat", model).status_code == 200
    wait_until(lambda: vitals(gateway).is_idle)
    return vitals(gateway)


def _quiet(gateway: Gateway, before: Vitals) -> Vitals:
    """Waits until it holds no more than before. Raises `AssertionError` when it does not let go."""
    forgive(gateway)

    def lets_go() -> bool:
        now = vitals(gateway)
        return now.is_idle and now.sockets <= before.sockets and now.tasks <= before.tasks

    try:
        wait_until(lets_go, within_s=QUIET_WITHIN_S)
    except AssertionError:
        pytest.fail(f"it does not let go: {vitals(gateway)}, and was before {before}")
    return vitals(gateway)


def _memory(watch: MemoryWatch) -> tuple[float, float]:
    """Resident MiB, warm and at the end."""
    warm = watch.typical_mib(WARM_AFTER * SOAKED_S, (WARM_AFTER + WINDOW) * SOAKED_S)
    return warm, watch.typical_mib((1 - WINDOW) * SOAKED_S, SOAKED_S)


def _assert_every_seat_is_free(gateway: Gateway) -> None:
    """As many as there are seats are answered at once, and nobody waits."""
    queued = vitals(gateway).queued
    for model in house.BUSY:
        with ThreadPoolExecutor(house.SEATS) as pool:
            asked = [pool.submit(ask, gateway, "openai_chat", model, stream=True) for _ in range(house.SEATS)]
            assert {one.result().status_code for one in asked} == {200}
    assert vitals(gateway).queued == queued


def _assert_no_money_is_promised(gateway: Gateway, before: Vitals) -> None:
    """What a worker still promised when it ended would count as spent."""
    assert before.settled > 0
    assert vitals(gateway).settled == pytest.approx(before.settled, abs=1e-6)


def _tell(traffic: Traffic, before: Vitals, after: Vitals, warm: float, end: float) -> None:
    told: dict[str, Any] = {
        "minutes": round(SOAKED_S / 60, 1),
        "requests": traffic.deeds.total(),
        "deeds": dict(traffic.deeds.most_common()),
        "statuses": dict(sorted(traffic.statuses.items())),
        "MiB, warm and at the end": f"{warm:.1f}, {end:.1f} ({100 * (end / warm - 1):+.1f} %)",
        "before": before,
        "after": after,
    }
    print("\n" + "\n".join(f"{name}: {value}" for name, value in told.items()))  # noqa: T201  shown by -rP
