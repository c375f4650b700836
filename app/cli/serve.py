"""Runs the gateway."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import uvloop

from adapters.inbound.http.status import Readiness
from app.asgi import create_app
from app.cli.options import Choices, config_options, fail, launch_for, told_errors
from app.container import Container, container_for
from app.launch import Launch
from app.lifespan import running
from app.version import gateway_version
from app.worker import TARGET
from config.settings import hand_to_workers
from infrastructure.interpreter import settle
from infrastructure.metrics.counting import VARIABLE as COUNTS_DIRECTORY
from infrastructure.server import bindable, in_url, is_loopback
from infrastructure.server import serve as listen
from infrastructure.worker_processes import WorkersDie, parent_for_workers, serve_with_workers

BIND_ERROR = 3
"""The exit code when the address cannot be bound."""

NO_KEYS = 5
"""The exit code when others could reach the gateway and nobody would need a key."""

WORKERS_DIE = 6
"""The exit code when a worker of several does not stay alive."""


@click.command()
@config_options
@click.option("--host", help="The address to bind.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="The port to bind; 0 takes any free one.  [default: 8088]")
def serve(
    *,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    host: str | None,
    port: int | None,
) -> None:
    """
    Run the gateway until SIGTERM or Ctrl-C; requests in flight are finished first.

    Exits with 2 when the configuration cannot be used, with 3 when the address cannot be bound, with 5 when
    others could reach it and there is no key, with 6 when one of several workers does not stay alive.
    """
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    launch = launch_for(choices, {"server.host": host, "server.port": port})
    with told_errors():
        container = container_for(launch)
        container.directory()
        container.keys()
        _refuse_strangers(launch)
    server = launch.config.server
    try:
        if server.workers > 1:
            _run_workers(launch, choices)
        else:
            uvloop.run(_run(container, launch))
    except WorkersDie:
        fail("a worker ended again as soon as it was replaced; its last words stand above", WORKERS_DIE)
    except OSError as error:
        fail(f"cannot listen on {server.host}:{server.port}: {error.strerror or error}", BIND_ERROR)


def _refuse_strangers(launch: Launch) -> None:
    """An address that others can reach needs keys: without one, whoever finds it may use everything."""
    host = launch.config.server.host
    if is_loopback(host) or asyncio.run(_has_keys(launch)):
        return
    where = f" --config {launch.source}" if launch.source else ""
    fail(
        f"refuses to listen on {host} without any key: whoever reaches it could use it. Make one with\n"
        f"    coderouter keys create NAME{where}\n"
        "and one for yourself with --scope admin; or listen on 127.0.0.1",
        NO_KEYS,
    )


async def _has_keys(launch: Launch) -> bool:
    """Looked up with a container of its own: what serves is opened on the loop that serves."""
    container = container_for(launch)
    try:
        keys = container.keys()
        await keys.refresh()
        return bool(keys.ring) or not keys.are_known
    finally:
        await container.store().aclose()
        container.event_log().close()


def _run_workers(launch: Launch, choices: Choices) -> None:
    """Each worker reads the configuration anew: what flags said reaches it through the environment."""
    server = launch.config.server
    said = {"CODEROUTER_MODE": choices.mode.strip()} if choices.mode.strip() else {}
    source = {"CODEROUTER_CONFIG": str(launch.source.resolve())} if launch.source else {}
    host, port = bindable(server.host, server.port)
    with TemporaryDirectory(prefix="coderouter-metrics-") as counts:
        hand_to_workers(
            {**launch.environment, **source, **said, COUNTS_DIRECTORY: counts, **parent_for_workers()}
        )
        _tell(launch, in_url(host, port))
        serve_with_workers(
            TARGET,
            host=host,
            port=port,
            workers=server.workers,
            drain_timeout_s=server.drain_timeout_s,
        )


async def _run(container: Container, launch: Launch) -> None:
    server = launch.config.server
    host, port = bindable(server.host, server.port)  # before anything is opened, or said to have started
    async with running(container):
        readiness = container.readiness()
        app = create_app(container)
        settle()
        await listen(
            app,
            host=host,
            port=port,
            ready=lambda address: _tell(launch, address),
            stopping=lambda: _refuse_more(readiness),
            drain_timeout_s=server.drain_timeout_s,
        )


def _tell(launch: Launch, address: str) -> None:
    """For a person at the terminal; machines read the events."""
    click.echo(f"CodeRouter {gateway_version()} answers at {address}", err=True)
    for line in launch.found:
        click.echo(f"  {line}", err=True)
    click.echo(f"  OpenAI clients: base URL {address}/v1 - Anthropic clients: {address}", err=True)


def _refuse_more(readiness: Readiness) -> None:
    readiness.ready = False
