"""Listens with several processes that share one socket."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from granian.constants import Interfaces
from granian.server.mp import MPServer

from infrastructure.server import MOST_AT_ONCE, SIGNALS, bindable

_MAIN_PROCESS = "CODEROUTER_MAIN_PROCESS"
"""The variable that tells a worker whose child it is; it may have lost its parent before it can look."""


class WorkersDie(Exception):
    """A worker ended as soon as it was started anew, so that starting it again would not help."""


def serve_with_workers(target: str, *, host: str, port: int, workers: int, drain_timeout_s: float) -> None:
    """
    Serves an application until SIGTERM or SIGINT comes; requests in flight are finished first.

    A worker that dies is replaced, but for one that dies within seconds of that. Unlike with one process,
    connections are refused while requests in flight are finished.

    Args:
        target: ``module:function`` that makes the application, called once in each worker.
        port: 0 takes any free one.
        drain_timeout_s: how long requests in flight may go on before their worker is killed.

    Raises:
        OSError: the address cannot be bound.
        WorkersDie: it ended for that, not for a signal.
    """
    address, bound = bindable(host, port)
    server = MPServer(
        target,
        address=address,
        port=bound,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        websockets=False,
        backpressure=MOST_AT_ONCE,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, round(drain_timeout_s)),
        working_dir=Path.cwd(),
        log_enabled=False,
    )
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_end_when_told)
    try:
        server.serve()
    except SystemExit as ended:  # Granian's way to say that it gives up
        raise WorkersDie from ended


def _end_when_told() -> None:
    """
    A forked worker inherits handlers that only the main process can obey, until it has its own.

    Told to end before that, it would go on until it is killed; it has nothing to finish yet. What comes while
    it is being forked waits until then.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _release()


def _hold() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def parent_for_workers() -> Mapping[str, str]:
    """What the environment of workers says of the process that starts them, which is this one."""
    return {_MAIN_PROCESS: str(os.getpid())}


async def leave_with_parent(environment: Mapping[str, str], *, look_every_s: float = 1.0) -> None:
    """
    Ends this worker as SIGTERM would, once the process is gone that started it. Runs until it is cancelled.

    Who kills the main process wants the gateway to end; workers that stay would hold the port and serve an
    old configuration.
    """
    started_by = environment.get(_MAIN_PROCESS, "")
    while str(os.getppid()) == started_by:  # noqa: ASYNC110  nobody tells of the end of a parent
        await asyncio.sleep(look_every_s)
    os.kill(os.getpid(), signal.SIGTERM)
