"""Listens with several processes that share one socket."""

from pathlib import Path

from granian.constants import Interfaces
from granian.server.mp import MPServer

from infrastructure.server import MOST_AT_ONCE, bindable


def serve_with_workers(target: str, *, host: str, port: int, workers: int, drain_timeout_s: float) -> None:
    """
    Serves an application until SIGTERM or SIGINT comes; requests in flight are finished first.

    A worker that dies is replaced. Unlike with one process, connections are refused while requests in flight
    are finished.

    Args:
        target: ``module:function`` that makes the application, called once in each worker.
        port: 0 takes any free one.
        drain_timeout_s: how long requests in flight may go on before their worker is killed.

    Raises:
        OSError: the address cannot be bound.
    """
    address, bound = bindable(host, port)
    MPServer(
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
    ).serve()
