"""Opens what the container built, and closes it in the opposite order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from app.container import Container
from app.launch import Launch
from app.notes import notes
from app.use_cases.chores import kept_going
from domain.events import Event
from domain.inventory.lifetime import ConfigFound, ConfigNoted, Started, Stopped
from domain.routing.suitability import suitability_warnings


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[None]:
    """A gateway whose connections are open; to be entered on the event loop that serves."""
    sink = container.sink()
    async with AsyncExitStack() as stack:
        stack.callback(container.event_log().close)
        stack.callback(lambda: sink.emit(Stopped()))
        await stack.enter_async_context(container.http_clients())
        stack.push_async_callback(container.model_server().aclose)
        await _open_state(container, stack)
        launch = container.launch()
        if launch.source is None:
            sink.emit(ConfigFound(found=launch.found, hint="write a providers.yaml to decide for yourself"))
        sink.emit(_started(container, launch))
        for note in notes(container):
            sink.emit(ConfigNoted(note=note))
        for warning in suitability_warnings(container.table()):
            sink.emit(warning)
        readiness = container.readiness()
        readiness.ready = True
        yield
        readiness.ready = False


async def _open_state(container: Container, stack: AsyncExitStack) -> None:
    """Who may ask, and what plans have left, is known before anybody can; what was used since is written."""
    stack.push_async_callback(container.store().aclose)
    keys, quotas = container.keys(), container.quotas()
    health, windows = container.health_sharing(), container.window_sharing()
    stack.push_async_callback(quotas.share)
    stack.push_async_callback(health.look)
    await quotas.share()
    await health.look()
    await windows.look()
    await keys.refresh()
    chores = [
        keys.watch,
        quotas.run,
        health.run,
        windows.run,
        container.probe_providers().run,
        container.half_open().run,
        container.learn_windows().run,
        container.wake_hosts().run,
    ]
    if container.is_shared():
        chores += [
            container.seat_sharing().run,
            container.limit_sharing().run,
            container.trace_sharing().run,
        ]
    sink, clock = container.sink(), container.clock()
    stack.push_async_callback(
        _ended, [asyncio.create_task(kept_going(chore, sink, clock)) for chore in chores]
    )
    bookkeeper = container.bookkeeper()
    stack.push_async_callback(bookkeeper.aclose)
    await bookkeeper.open(container.budgets())


async def _ended(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _started(container: Container, launch: Launch) -> Event:
    table = container.table()
    return Started(
        version=container.version(),
        providers=tuple(table.providers),
        profiles=tuple(table.profiles),
        default_profile=launch.config.default_profile,
        allow_paid=table.allow_paid,
        mode_source="env" if launch.environment.get("CODEROUTER_MODE", "").strip() else "config",
    )
