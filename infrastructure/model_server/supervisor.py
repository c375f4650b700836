"""Keeps the embedded model's server running while it is wanted, and never a moment longer."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from infrastructure.model_server import child
from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.child_process import ChildProcess, ModelServerUnavailable
from infrastructure.model_server.restarts import RestartPauses

CHILD_PROGRAM = (sys.executable, "-P", str(Path(child.__file__)))
"""Run by path, so it does not matter which directory the gateway was started in."""


class EmbeddedModelServer:
    """
    Starts the model server on first use, restarts it when it died, stops it with the gateway.

    Constructing it does nothing. The child lives no longer than this process, even if this process is
    killed. It serves one event loop.
    """

    def __init__(
        self,
        options: ModelOptions,
        *,
        program: tuple[str, ...] = CHILD_PROGRAM,
        ready_within_s: float = 60.0,
        stop_within_s: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Serve `options.weights` with `program`, which gets the options as JSON and our pid as arguments.

        `ready_within_s` allows for 94 MB from a slow SD card; a desktop needs about one second.
        """
        self._command = (*program, json.dumps(asdict(options)), str(os.getpid()))
        self._ready_within_s = ready_within_s
        self._stop_within_s = stop_within_s
        self._now = now
        self._pauses = RestartPauses()
        self._child: ChildProcess | None = None
        self._child_started_s = 0.0
        self._url: str | None = None
        self._starting: asyncio.Task[str] | None = None
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._child.pid if self._child is not None and self._child.is_alive else None

    def log_tail(self) -> tuple[str, ...]:
        """The last lines the current or latest child wrote; empty before the first start."""
        return self._child.log.lines() if self._child is not None else ()

    async def ensure_running(self) -> str:
        """
        The server's base URL, such as `http://127.0.0.1:40123`, once it answers.

        Callers at the same time share one start, which goes on when one of them is cancelled. Raises
        `ModelServerUnavailable` when the child does not become ready in time, when it died so often that
        it must wait before the next start, or after `aclose`.
        """
        if self._is_closed:
            raise ModelServerUnavailable("the model server is closed")
        if self._url is not None and self.pid is not None:
            return self._url
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="model-server-start")
            self._starting.add_done_callback(self._start_ended)
        starting = self._starting
        await asyncio.wait({starting})
        if starting.cancelled():
            raise ModelServerUnavailable("the model server was closed while it started")
        return starting.result()

    async def aclose(self) -> None:
        """Stop the child and wait until it is gone. No start is possible afterwards."""
        self._is_closed = True
        self._url = None
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._child is not None:
            await self._child.stop(self._stop_within_s)

    async def _start(self) -> str:
        await self._bury()
        if pause_s := self._pauses.remaining_s(self._now()):
            raise self._unavailable(f"the model server keeps ending; next start in {pause_s:.0f} s")
        self._child_started_s = self._now()
        try:
            self._child = await ChildProcess.start(self._command, child_environment(sys.path))
        except OSError as error:
            self._pauses.ended(started_s=self._child_started_s, now_s=self._now())
            raise self._unavailable(f"the model server cannot be started: {error}") from error
        self._url = await self._ready(self._child)
        return self._url

    async def _bury(self) -> None:
        """Account for a child that died while nobody looked."""
        if self._child is not None and self._url is not None:
            self._url = None
            await self._child.gone()
            self._pauses.ended(started_s=self._child_started_s, now_s=self._now())

    async def _ready(self, child_process: ChildProcess) -> str:
        try:
            async with asyncio.timeout(self._ready_within_s):
                return await child_process.healthy_url()
        except TimeoutError as error:
            problem: Exception = error
            message = f"the model server was not ready within {self._ready_within_s:g} s"
        except ModelServerUnavailable as error:
            problem, message = error, str(error)
        await child_process.stop(self._stop_within_s)
        self._pauses.ended(started_s=self._child_started_s, now_s=self._now())
        raise self._unavailable(message) from problem

    def _unavailable(self, message: str) -> ModelServerUnavailable:
        last_words = "\n".join(self.log_tail())
        return ModelServerUnavailable(f"{message}; its last lines:\n{last_words}" if last_words else message)

    def _start_ended(self, start: asyncio.Task[str]) -> None:
        self._starting = None
        if not start.cancelled():
            start.exception()  # counts as seen, even when every caller has gone

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else repr(self._child) if self._child else "not started"
        return f"EmbeddedModelServer({state})"


def child_environment(import_path: list[str]) -> Mapping[str, str]:
    """The child finds the same packages and inherits nothing else: API keys live in the environment."""
    return {"PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in import_path)}
