"""Reads a request's whole body, within bounds."""

import asyncio
from collections.abc import Mapping
from contextlib import closing

from litestar.types import Receive, ReceiveMessage

from adapters.inbound.http.errors import Complaint, Rejected
from adapters.inbound.http.response import ClientLeft
from app.use_cases.deadline import Deadline

BODY_IDLE_S = 30.0
"""Longer than any pause of a network that still works; a body may take its time as long as it comes."""

_LONGEST_LENGTH = 18
"""Digits of a ``content-length`` that can be true."""


async def read_body(
    receive: Receive, headers: Mapping[str, str], max_bytes: int, *, idle_s: float = BODY_IDLE_S
) -> bytes:
    """
    The body; ``idle_s`` is how long the client may send nothing of it, in seconds.

    Raises:
        Rejected: it is larger than ``max_bytes``, or compressed, or the client stopped sending it.
        ClientLeft: before it was complete.
    """
    _check_announcement(headers, max_bytes)
    pieces: list[bytes] = []
    size = 0
    with closing(Deadline()) as deadline:
        while True:
            message = await _next(receive, deadline, idle_s)
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


async def _next(receive: Receive, deadline: Deadline, idle_s: float) -> ReceiveMessage:
    try:
        with deadline.until(asyncio.get_running_loop().time() + idle_s):
            return await receive()
    except TimeoutError:
        raise Rejected(
            Complaint.TOO_SLOW,
            f"nothing more of the request body came for {idle_s:g} s",
            headers=(("connection", "close"),),  # RFC 9110, section 15.5.9: it is not waited for any more
        ) from None


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
