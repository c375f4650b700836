"""Speaks to a Valkey or Redis server: within a time, and with its failures in our words."""

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ValkeyError

from domain.ports.storage import StoreUnavailable

Word: TypeAlias = str | bytes | int | float

PATIENCE_S = 2.0
"""How long any answer of the server may take, a new connection included."""

_OVER_TLS = frozenset({"valkeys", "rediss"})
_SCRIPTS = Path(__file__).with_name("lua")


class ValkeyServer:
    """
    The server at an address.

    Args:
        url: ``valkey://``, ``redis://`` or, over TLS, ``valkeys://``, ``rediss://``, with user, password and
            number of the database as the client library has them. Never told in an error.
    """

    def __init__(self, url: str) -> None:
        self._client = Valkey.from_url(
            url,
            decode_responses=True,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 1),
            **_tls(url),
        )
        self._place = _place(self._client)

    def __repr__(self) -> str:
        return f"<ValkeyServer at {self._place}>"

    def script(self, *parts: str) -> "Script":
        """A script that is these files, one after the other."""
        texts = ((_SCRIPTS / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
        return Script(self, self._client.register_script("\n".join(texts)))

    async def do(self, *command: Word) -> Any:
        """
        What the server answers to a command.

        Raises:
            StoreUnavailable: it cannot be reached, does not answer in time, or cannot do it.
        """
        return await self.answer(self._client.execute_command(*command))

    async def answer(self, waiting: Awaitable[Any]) -> Any:
        """As `do`, for what was asked in another way."""
        before = _cancellations()
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                return await waiting
        except (ValkeyError, OSError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            raise StoreUnavailable(f"the server at {self._place}: {words}") from error
        finally:
            # The library sends with `asyncio.wait_for`, which in Python 3.11 may swallow a cancellation.
            if _cancellations() > before:
                raise asyncio.CancelledError

    async def aclose(self) -> None:
        await self._client.aclose()


class Script:
    """Steps that the server takes as one; it is sent when the server does not know it yet."""

    def __init__(self, server: ValkeyServer, script: Any) -> None:
        self._server = server
        self._script = script

    async def run(self, keys: Sequence[str], *args: Word) -> Any:
        """
        What it returns.

        Raises:
            StoreUnavailable: as `ValkeyServer.do`.
        """
        return await self._server.answer(self._script(keys=keys, args=args))


def _cancellations() -> int:
    """How often the task that asks was told to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _tls(url: str) -> dict[str, Any]:
    """The library checks whose certificate it is shown only when it is told to."""
    return {"ssl_check_hostname": True} if urlsplit(url).scheme in _OVER_TLS else {}


def _place(client: Valkey) -> str:
    known: dict[str, Any] = client.connection_pool.connection_kwargs
    return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")
