"""Where a request goes, and the head that announces it there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import httpx

_PORTS = {"http": 80, "https": 443}

_OURS = frozenset({b"content-length", b"transfer-encoding", b"expect", b"connection"})
"""Where a body ends, and whether the connection is kept, is said by whoever sees to it."""

_MOST_PORT = 65535

_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Whose requests say that they have no body (RFC 9110, section 8.6)."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(rb"[\r\n\0]")

_REMEMBERED = 256
"""Of how many addresses and sets of fields the bytes are kept; most requests have those of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A peer, and what is asked for there."""

    origin: str
    """Scheme, host and port: requests of one origin may share a connection."""
    is_tls: bool
    host: str
    """A name or an address, without the brackets of an IPv6 address."""
    port: int
    authority: bytes
    """What the ``Host`` field says."""
    target: bytes

    @property
    def peer(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=_REMEMBERED)
def destination(url: str) -> Destination:
    """
    Where this URL leads.

    Raises:
        httpx.UnsupportedProtocol: It is of another scheme than http and https, or names no host or no port
        that there is.

    """
    parsed = httpx.URL(url)
    if parsed.scheme not in _PORTS or not parsed.host:
        raise httpx.UnsupportedProtocol(f"{url!r} is no address of HTTP")
    port = _PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port <= _MOST_PORT:
        raise httpx.UnsupportedProtocol(f"There is no port {port}")
    host = parsed.raw_host.decode("ascii")
    return Destination(
        origin=f"{parsed.scheme}://{host}:{port}",
        is_tls=parsed.scheme == "https",
        host=host,
        port=port,
        authority=parsed.netloc,
        target=parsed.raw_path,
    )


def request_head(request: httpx.Request, to: Destination, size: int | None) -> bytes:
    """
    The head of a request with a body of that many bytes; of None, if nobody knows how many.

    Raises:
        httpx.LocalProtocolError: A field would not be one, or the method is none.

    """
    fields = _fields(tuple(request.headers.raw), to.authority)
    return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (
        _method(request.method),
        to.target,
        fields,
        _framing(request.method, size),
    )


def _framing(method: str, size: int | None) -> bytes:
    if size is None:
        return b"Transfer-Encoding: chunked\r\n"
    if size or method in _METHODS_WITH_BODY:
        return b"Content-Length: %d\r\n" % size
    return b""


@lru_cache(maxsize=_REMEMBERED)
def _method(method: str) -> bytes:
    token = method.encode()
    if not _TOKEN.fullmatch(token):
        raise httpx.LocalProtocolError(f"{method!r} is no method of HTTP")
    return token


@lru_cache(maxsize=_REMEMBERED)
def _fields(raw: tuple[tuple[bytes, bytes], ...], authority: bytes) -> bytes:
    return b"".join(b"%s: %s\r\n" % field for field in _written(raw, authority))


def _written(raw: tuple[tuple[bytes, bytes], ...], authority: bytes) -> Iterator[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in raw}
    if b"host" not in names:
        yield b"Host", authority
    for name, value in raw:
        _check(name, value)
        if name.lower() not in _OURS:
            yield name, value
    if b"accept-encoding" not in names:
        yield b"Accept-Encoding", b"identity"


def _check(name: bytes, value: bytes) -> None:
    # The value may be a secret, so it is not shown.
    if not _TOKEN.fullmatch(name):
        raise httpx.LocalProtocolError(f"{name!r} is no name of a header field")
    if _FORBIDDEN.search(value):
        raise httpx.LocalProtocolError(f"The value of {name.decode()} has a line break or a NUL in it")
