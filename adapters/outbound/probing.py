"""Asks a model server whether it is there, and what it tells about itself, by reading alone."""

from collections.abc import Mapping
from contextlib import suppress

import httpx

from adapters.outbound.exchange import Exchange, connecting_within
from adapters.outbound.window_reading import listed_windows, property_window, running_windows
from domain.failures import UpstreamFailure
from domain.ports.providers import Probed

CONNECTS_WITHIN_S = 5.0


class Prober:
    """
    Asks one server.

    Args:
        root: the address of the server, without the path of any API.
        headers: those that every request to it carries, its credential among them.
    """

    def __init__(self, exchange: Exchange, root: httpx.URL, headers: httpx.Headers) -> None:
        self._exchange = exchange
        self._root = root
        self._headers = headers

    def __repr__(self) -> str:
        return f"<Prober of {self._root.host}>"

    async def read(self, path: str) -> bytes:
        """
        The body of ``GET path``.

        Raises:
            UpstreamFailure: there was none.
        """
        url = self._root.copy_with(path=path, query=None)
        extensions = connecting_within(CONNECTS_WITHIN_S)
        return await self._exchange.whole(
            httpx.Request("GET", url, headers=self._headers, extensions=extensions)
        )

    async def models(self, path: str, model: str) -> Probed:
        """
        What a server with a model list tells, and what llama.cpp and LM Studio keep beside it.

        Raises:
            UpstreamFailure: the list does not come.
        """
        windows = dict(listed_windows(await self.read(path)))
        if model and model not in windows:
            windows |= await self._kept_beside(path, model)
        return Probed(windows=windows)

    async def _kept_beside(self, path: str, model: str) -> Mapping[str, int]:
        with suppress(UpstreamFailure):
            tokens = property_window(await self.read(_beside(path, "props")))
            if tokens is not None:
                return {model: tokens}
        with suppress(UpstreamFailure):
            return listed_windows(await self.read(_beside(path, "api/v0/models")))
        return {}

    async def running(self) -> Probed:
        """
        What Ollama tells of the models in its memory.

        Raises:
            UpstreamFailure: it does not.
        """
        windows: Mapping[str, int] = running_windows(await self.read("/api/ps"))
        return Probed(windows=windows)


def _beside(path: str, name: str) -> str:
    """
    A path beside the versioned API.

    >>> _beside("/v1/models", "props")
    '/props'
    """
    return f"{path.removesuffix('/models').removesuffix('/v1')}/{name}"
