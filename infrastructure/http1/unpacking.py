"""Undoes the compression of a body that nobody asked to be compressed."""

import zlib
from collections.abc import Iterator

import httpx

GZIP = frozenset({b"gzip", b"x-gzip"})
DEFLATE = b"deflate"

PIECE_BYTES = 128 * 1024
"""How much is unpacked at a time, however well it was packed."""

_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
_RAW = -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


def is_understood(coding: bytes) -> bool:
    """Whether `Unpacking` undoes this content coding."""
    return coding.lower() in GZIP or coding.lower() == DEFLATE


class Unpacking:
    """
    One body, unpacked as it comes.

    Args:
        coding: what it says it is: gzip or deflate.
    """

    def __init__(self, coding: bytes) -> None:
        self._may_be_bare = coding.lower() == DEFLATE
        self._inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
        self._has_begun = False
        self._undecided = b""
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Unpacking, {'ended' if self._inflate.eof else 'begun' if self._has_begun else 'new'}>"

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """
        What is in this, a bounded piece at a time.

        Raises:
            httpx.RemoteProtocolError: It is not packed as it was said to be.

        """
        while packed:
            if self._inflate.eof:
                packed = self._next_member(packed)
            if packed:
                yield from self._plain(packed)
                packed = self._inflate.unused_data if self._inflate.eof else b""

    def end(self) -> None:
        """
        The body has ended.

        Raises:
            httpx.RemoteProtocolError: What was packed has not.

        """
        if self._has_begun and not self._inflate.eof:
            raise httpx.RemoteProtocolError("The compressed body ended too early")

    def _next_member(self, packed: bytes) -> bytes:
        """
        What follows the member that has ended, from its begin on.

        Nothing while that is not clear yet, and from then on if it is none: that is dropped as it comes.
        """
        begin, self._undecided = self._undecided + packed, b""
        if self._is_over:
            return b""
        if len(begin) < len(_GZIP_MAGIC):
            self._undecided = begin
            return b""
        if not begin.startswith(_GZIP_MAGIC):
            self._is_over = True
            return b""
        self._inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
        return begin

    def _plain(self, packed: bytes) -> Iterator[bytes]:
        plain = self._unpacked(packed)
        while plain:
            yield plain
            rest = self._inflate.unconsumed_tail
            plain = self._unpacked(rest) if rest or len(plain) == PIECE_BYTES else b""

    def _unpacked(self, packed: bytes) -> bytes:
        is_first = not self._has_begun
        self._has_begun = True
        try:
            return self._inflate.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            if not is_first or not self._may_be_bare:
                raise httpx.RemoteProtocolError(f"The compressed body is damaged: {error}") from error
        return self._unpacked_raw(packed)

    def _unpacked_raw(self, packed: bytes) -> bytes:
        # Some servers mean the bare format by "deflate" (RFC 9110, section 8.4.1.2).
        self._inflate = zlib.decompressobj(_RAW)
        try:
            return self._inflate.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            raise httpx.RemoteProtocolError(f"The compressed body is damaged: {error}") from error
