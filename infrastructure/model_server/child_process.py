"""One run of the model server's child process, from its first breath to its last."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Self
from urllib.parse import urlsplit

from infrastructure.model_server.log_tail import LogTail

HEALTH_POLL_S = 0.05
READ_BYTES = 16_384


class ModelServerUnavailable(ConnectionError):
    """
    The model server does not run and the message says why, with the last lines of its log.

    A `ConnectionError`, because that is what its caller has to deal with: a provider that cannot be reached.
    """


class ChildProcess:
    """
    Owns a process that announces its address as a line of JSON on stdout.

    Its stderr is kept as a tail. Its stdin is a pipe that this object alone holds open: when the gateway
    ends, it closes.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Adopt a process that was started with three pipes."""
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process needs pipes for stdin, stdout and stderr")
        self._process = process
        self._life_line, self._announcements, self._errors = process.stdin, process.stdout, process.stderr
        self._log = LogTail()
        self._reaper = asyncio.create_task(self._drain(), name=f"model-server-{process.pid}")

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Raise OSError when the program cannot be run."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal is for the gateway, which drains first
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @property
    def log(self) -> LogTail:
        return self._log

    async def healthy_url(self) -> str:
        """
        Wait until the child has announced its address and answers `GET /health` there with 200.

        Waits without limit as long as the child lives; raises `ModelServerUnavailable` when it ends.
        """
        url = self._announced_url(await self._first_line())
        while not await answers_health(url):
            self._must_be_alive()
            await asyncio.sleep(HEALTH_POLL_S)
        return url

    async def stop(self, grace_s: float) -> None:
        """Terminate it, kill it after `grace_s`, and wait until it is gone. Harmless when it already is."""
        try:
            self._signal(self._process.terminate)
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            self._signal(self._process.kill)
        await self.gone()

    async def gone(self) -> None:
        """Wait until it has ended and the rest of its log is read."""
        await asyncio.shield(self._reaper)

    async def _first_line(self) -> bytes:
        try:
            line = await self._announcements.readline()
        except ValueError:
            line = b"(a line too long to be an address)"
        if not line:
            await self.gone()
        self._must_be_alive()
        return line

    def _announced_url(self, line: bytes) -> str:
        try:
            url = json.loads(line)["url"]
        except (ValueError, TypeError, KeyError):
            url = None
        if not isinstance(url, str):
            raise ModelServerUnavailable(f"the model server announced no address but {line[:200]!r}")
        return url

    def _must_be_alive(self) -> None:
        if not self.is_alive:
            raise ModelServerUnavailable(
                f"the model server ended with exit code {self._process.returncode} before it was ready"
            )

    async def _drain(self) -> None:
        while chunk := await self._errors.read(READ_BYTES):
            self._log.feed(chunk)
        await self._process.wait()
        self._life_line.close()

    def _signal(self, send: Callable[[], None]) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                send()

    def __repr__(self) -> str:
        state = "alive" if self.is_alive else f"ended with {self._process.returncode}"
        return f"ChildProcess(pid={self.pid}, {state})"


async def answers_health(url: str) -> bool:
    """Whether `GET /health` is answered with 200 within a second; llama.cpp says 503 while it loads."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(
                    f"GET /health HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
                )
                return (await reader.readline()).split(b" ")[1:2] == [b"200"]
            finally:
                writer.close()
    return False
