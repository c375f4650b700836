"""
Refuses requests that were meant for another host: what a browser sends when a web page turns on us.

A page can make a browser call an address of this machine, under a name of its own that it has pointed here
(DNS rebinding) or across origins. The ``Host`` header betrays the first, ``Origin`` the second. Forwarding
headers are not looked at: anybody can write them.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from functools import lru_cache

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.dialects.dialect import Dialect
from adapters.inbound.http.errors import Complaint, Rejected, error_answer
from adapters.inbound.http.headers import header, request_id, text_headers
from adapters.inbound.http.response import HttpResponse

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.%]+\]|[^\[\]:/@?#\s]+)(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?P<authority>[^/?#]+)")

_CHECKED = frozenset({ScopeType.HTTP, ScopeType.WEBSOCKET})


class HostCheck:
    """
    An ASGI application around another that lets only requests through which name an allowed host.

    Args:
        app: what is protected.
        allowed: names beside those of this machine, loopback names and IP addresses; a port means nothing.
        dialect_for: the dialect in which to refuse a path.
        ids: new request ids.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Collection[str],
        dialect_for: Callable[[str], Dialect],
        ids: Callable[[], str],
    ) -> None:
        self._app = app
        self._names = frozenset(_host(name) or _normal(name) for name in allowed) | own_names()
        self._dialect_for = dialect_for
        self._ids = ids
        self._judged = lru_cache(256)(self._judge)

    def __repr__(self) -> str:
        return f"<HostCheck {sorted(self._names)}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _CHECKED:
            await self._app(scope, receive, send)
            return
        hosts: list[bytes] = []
        origin = b""
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origin = value
        fault = self._judged(tuple(hosts), origin)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(fault, scope, send)

    def _judge(self, hosts: tuple[bytes, ...], origin: bytes) -> Rejected | None:
        if len(hosts) != 1 or not hosts[0].strip():
            return Rejected(Complaint.NO_HOST, "exactly one Host header is required (RFC 9112, section 3.2)")
        host = _host(hosts[0].decode("latin-1"))
        if host is None or not self._is_ours(host):
            shown = (host or hosts[0].decode("latin-1"))[:200]
            return Rejected(
                Complaint.FOREIGN_HOST,
                f"host {shown!r} is not served here; add it to server.allowed_hosts if it should be",
            )
        if origin and not self._is_friendly(origin.decode("latin-1"), host):
            shown = origin.decode("latin-1")[:200]
            return Rejected(
                Complaint.FOREIGN_HOST,
                f"origin {shown!r} is refused; add its host to server.allowed_hosts if it should not be",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        """An IP address is nobody's name: a page cannot point it elsewhere."""
        return host in self._names or host.endswith(".localhost") or _address(host) is not None

    def _is_friendly(self, origin: str, host: str) -> bool:
        """Pages of this gateway, of this machine and of allowed hosts; any other address is a stranger's."""
        match = _ORIGIN.fullmatch(origin.strip().lower())
        source = _host(match["authority"]) if match else None
        if source is None:
            return False
        address = _address(source)
        if address is not None:
            return source == host or address.is_loopback or source in self._names
        return source in self._names or source.endswith(".localhost")

    async def _refuse(self, fault: Rejected, scope: Scope, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1008, "reason": fault.message[:100]})
            return
        known_as = request_id(text_headers(scope["headers"]), self._ids)
        answer = error_answer(fault, self._dialect_for(scope["path"]), known_as)
        headers = (*answer.headers, header("x-request-id", known_as))
        await HttpResponse(send).whole(answer.status, headers, answer.body)


def own_names() -> frozenset[str]:
    """Loopback names and this machine's: as it calls itself, without its domain, and as mDNS has it."""
    machine = _normal(socket.gethostname())
    short = machine.partition(".")[0]
    return frozenset({"localhost", machine, short, f"{short}.local"} - {"", ".local"})


def _host(authority: str) -> str | None:
    """The host of ``host[:port]`` in its normal form, or nothing when it is not that."""
    match = _AUTHORITY.fullmatch(authority.strip().lower())
    return _normal(match["host"]) if match else None


def _normal(host: str) -> str:
    return host.strip().lower().removesuffix(".").strip("[]")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
