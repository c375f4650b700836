"""Every way in which aiohttp can fail has a name of httpx's."""

import errno
import inspect
import ssl
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
from aiohttp import client_exceptions, http_exceptions, web_exceptions
from aiohttp.client_reqrep import ConnectionKey

from infrastructure.http_errors import ERRORS, FOREIGN_ERRORS, UploadStalledError, translated

REQUEST = httpx.Request("POST", "http://127.0.0.1:11434/v1/chat/completions")
KEY = ConnectionKey("127.0.0.1", 11434, False, True, None, None, None)

NEVER_RAISED_AT_US: tuple[type[Exception], ...] = (
    # Of aiohttp's server, its WebSockets and its multipart reader, none of which is used.
    web_exceptions.HTTPException,
    Warning,
    aiohttp.WSMessageTypeError,
    aiohttp.WebSocketError,
    aiohttp.EofStream,
)


def exceptions_of_aiohttp() -> Iterator[type[Exception]]:
    modules = (aiohttp, client_exceptions, http_exceptions)
    found = {it for module in modules for it in vars(module).values() if inspect.isclass(it)}
    for kind in sorted(found, key=lambda it: it.__name__):
        ours = kind.__module__.startswith("aiohttp")
        if ours and issubclass(kind, Exception) and not issubclass(kind, NEVER_RAISED_AT_US):
            yield kind


@pytest.mark.parametrize("kind", list(exceptions_of_aiohttp()))
def test_each_exception_of_aiohttp_is_in_the_table(kind: type[Exception]) -> None:
    parsing = issubclass(kind, http_exceptions.HttpProcessingError)

    assert kind in ERRORS or parsing, f"say in infrastructure/http_errors.py what {kind.__name__} means"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "refused")), httpx.ConnectError),
        (aiohttp.ClientConnectorDNSError(KEY, OSError("no such name")), httpx.ConnectError),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("no")), httpx.ConnectError),
        (aiohttp.ConnectionTimeoutError(), httpx.ConnectTimeout),
        (aiohttp.SocketTimeoutError(), httpx.ReadTimeout),
        (TimeoutError(), httpx.ReadTimeout),
        (UploadStalledError(), httpx.WriteTimeout),
        (aiohttp.ServerDisconnectedError(), httpx.RemoteProtocolError),
        (aiohttp.ClientOSError(errno.ECONNRESET, "reset"), httpx.ReadError),
        (ConnectionResetError(errno.ECONNRESET, "reset"), httpx.ReadError),
        (ssl.SSLZeroReturnError(), httpx.ReadError),
        (aiohttp.NonHttpUrlClientError("ftp://x"), httpx.UnsupportedProtocol),
        (aiohttp.InvalidURL("http://"), httpx.LocalProtocolError),
        (http_exceptions.BadStatusLine("SSH-2.0"), httpx.RemoteProtocolError),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Exception) else None,
)
def test_the_nearest_entry_wins(error: Exception, expected: type[httpx.TransportError]) -> None:
    found = translated(error, REQUEST)

    assert type(found) is expected
    assert found.request is REQUEST
    assert type(error).__name__ in str(found)


def test_what_is_not_in_the_table_is_no_failure_of_a_peer() -> None:
    assert not issubclass(TypeError, FOREIGN_ERRORS)
    with pytest.raises(KeyError):
        translated(TypeError("a mistake of ours"), REQUEST)
