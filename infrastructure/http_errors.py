"""Renames what aiohttp and the operating system raise into httpx's exceptions, by one table."""

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
import httpx
from aiohttp import client_exceptions, http_exceptions


class UploadStalledError(TimeoutError):
    """The peer took no byte of the request body for as long as the write time-out allows."""


ERRORS: Mapping[type[Exception], type[httpx.TransportError]] = {
    # Before there is a connection.
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ClientConnectorDNSError: httpx.ConnectError,
    aiohttp.ClientSSLError: httpx.ConnectError,
    aiohttp.ClientConnectorSSLError: httpx.ConnectError,
    aiohttp.ClientConnectorCertificateError: httpx.ConnectError,
    aiohttp.ServerFingerprintMismatch: httpx.ConnectError,
    client_exceptions.UnixClientConnectorError: httpx.ConnectError,
    aiohttp.ClientProxyConnectionError: httpx.ProxyError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    # Waiting for too long. A bare TimeoutError comes from the depths of a read.
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    aiohttp.SocketTimeoutError: httpx.ReadTimeout,
    aiohttp.ServerTimeoutError: httpx.ReadTimeout,
    UploadStalledError: httpx.WriteTimeout,
    asyncio.TimeoutError: httpx.ReadTimeout,
    # A connection that broke.
    aiohttp.ClientConnectionError: httpx.ReadError,
    aiohttp.ClientConnectionResetError: httpx.ReadError,
    aiohttp.ClientOSError: httpx.ReadError,
    ssl.SSLError: httpx.ReadError,
    OSError: httpx.ReadError,
    # What aiohttp says to a reader of a connection that is just gone, and to a request while it shuts down.
    RuntimeError: httpx.ReadError,
    client_exceptions.UploadAbortedError: httpx.WriteError,
    # A peer that does not keep to HTTP/1.1: it leaves too early, or says what cannot be read.
    aiohttp.ServerConnectionError: httpx.RemoteProtocolError,
    aiohttp.ServerDisconnectedError: httpx.RemoteProtocolError,
    aiohttp.ClientPayloadError: httpx.RemoteProtocolError,
    aiohttp.ClientResponseError: httpx.RemoteProtocolError,
    aiohttp.ContentTypeError: httpx.RemoteProtocolError,
    aiohttp.WSServerHandshakeError: httpx.RemoteProtocolError,
    aiohttp.TooManyRedirects: httpx.RemoteProtocolError,
    aiohttp.RedirectClientError: httpx.RemoteProtocolError,
    aiohttp.InvalidUrlRedirectClientError: httpx.RemoteProtocolError,
    aiohttp.NonHttpUrlRedirectClientError: httpx.RemoteProtocolError,
    aiohttp.ClientError: httpx.RemoteProtocolError,
    http_exceptions.HttpProcessingError: httpx.RemoteProtocolError,
    # A request that cannot be sent. aiohttp reports forbidden characters as ValueError.
    aiohttp.NonHttpUrlClientError: httpx.UnsupportedProtocol,
    aiohttp.InvalidURL: httpx.LocalProtocolError,
    aiohttp.InvalidUrlClientError: httpx.LocalProtocolError,
    ValueError: httpx.LocalProtocolError,
}
"""Foreign exception to ours; the entry nearest to an exception's own class wins."""

FOREIGN_ERRORS: tuple[type[Exception], ...] = tuple(ERRORS)
"""What an ``except`` clause at the border names."""


def translated(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """
    Say a foreign error in httpx's words.

    Raises:
        KeyError: The error is none of ``FOREIGN_ERRORS``.

    """
    nearest = next((kind for kind in type(error).__mro__ if kind in ERRORS), type(error))
    return ERRORS[nearest](_message(error), request=request)


def _message(error: Exception) -> str:
    # aiohttp wraps what its parser found; the parser's own words name the fault.
    found = error.__cause__ if isinstance(error, aiohttp.ClientResponseError) else None
    detail = found.__cause__ if isinstance(found, http_exceptions.HttpProcessingError) else None
    text = str(detail or found or error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
