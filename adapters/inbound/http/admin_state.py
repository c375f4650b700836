"""The route that gives out a copy of the state."""

from contextlib import aclosing, suppress

from litestar import asgi
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from adapters.inbound.http.errors import Complaint, Rejected
from adapters.inbound.http.response import ClientLeft, HttpResponse
from domain.ports.storage import Snapshots

BACKUP = "/admin/state/backup"

_HEADERS = (
    (b"content-type", b"application/vnd.sqlite3"),
    (b"content-disposition", b'attachment; filename="coderouter-state.db"'),
)


class StateBackupRoute:
    """
    Answers ``GET /admin/state/backup`` with a file for `coderouter state restore`.

    A plain ASGI route, as Litestar's own stream listens for a client's next word and may wait for ever.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def __repr__(self) -> str:
        return f"<StateBackupRoute {self._snapshots!r}>"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            raise Rejected(Complaint.WRONG_METHOD, "only GET is supported here", headers=(("allow", "GET"),))
        response = HttpResponse(send)
        async with aclosing(self._snapshots.snapshot()) as chunks:
            # What goes wrong before the first piece can still be told.
            first = await anext(chunks)
            with suppress(ClientLeft):
                await response.begin(200, _HEADERS)
                await response.send(first)
                async for chunk in chunks:
                    await response.send(chunk)
                await response.end()


def state_routes(snapshots: Snapshots) -> list[ASGIRouteHandler]:
    """All of them."""
    return [asgi(BACKUP, copy_scope=False)(StateBackupRoute(snapshots).serve)]
