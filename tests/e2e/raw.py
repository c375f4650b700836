"""A client that does nothing on its own: it sends a request and reads what it is told to read."""

import json
import socket
from urllib.parse import urlsplit

from tests.e2e.clients import PATHS, ClientDialect, question
from tests.e2e.gateway import Gateway


def sent(
    gateway: Gateway, dialect: ClientDialect, model: str, request_id: str, *, stream: bool
) -> socket.socket:
    """A connection on which a request has been sent."""
    address = urlsplit(gateway.address)
    body = json.dumps(question(model, stream=stream)).encode()
    head = (
        f"POST {PATHS[dialect]} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
        f"x-request-id: {request_id}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((address.hostname, address.port or 0), timeout=10)
    connection.sendall(head.encode() + body)
    return connection


def read_until(connection: socket.socket, word: bytes) -> None:
    seen = b""
    while word not in seen:
        piece = connection.recv(65536)
        assert piece, seen
        seen += piece
