"""Reads a request's whole body, within bounds."""

from collections.abc import Mapping

from litestar.types import Receive

from adapters.inbound.http.errors import Complaint, Rejected
from adapters.inbound.http.response import ClientLeft

_LONGEST_LENGTH = 18
"""Digits of a ``content-length`` that can be true."""


async def read_body(receive: Receive, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """
    The body.

    Raises:
        Rejected: it is larger than ``max_bytes``, or compressed.
        ClientLeft: before it was complete.
    """
    _check_announcement(headers, max_bytes)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeft
        piece = message.get("body", b"")
        if piece:
            size += len(piece)
            if size > max_bytes:
                raise _too_large(max_bytes)
            pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_announcement(headers: Mapping[str, str], max_bytes: int) -> None:
    """What the headers alone rule out, before a byte of the body is read."""
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > _LONGEST_LENGTH or int(length) > max_bytes):
        raise _too_large(max_bytes)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Rejected(
            Complaint.ENCODED_BODY,
            f"content-encoding {encoding!r} is not supported: send the body uncompressed",
            headers=(("accept-encoding", "identity"),),
        )


def _too_large(max_bytes: int) -> Rejected:
    return Rejected(Complaint.TOO_LARGE, f"the request body is larger than {max_bytes} bytes")
