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
    """One body, unpacked as it comes."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
        self._has_begun = False

    def __repr__(self) -> str:
        return f"<Unpacking, {'ended' if self._inflate.eof else 'begun' if self._has_begun else 'new'}>"

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """
        What is in this, a bounded piece at a time.

        Raises:
            httpx.RemoteProtocolError: It is not packed as it was said to be.

        """
        while True:
            plain = self._unpacked(packed)
            if plain:
                yield plain
            packed = self._inflate.unconsumed_tail
            if self._inflate.eof:
                packed = self._inflate.unused_data
                if not packed.startswith(_GZIP_MAGIC):
                    return
                self._inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
            elif not packed and len(plain) < PIECE_BYTES:
                return

    def end(self) -> None:
        """
        The body has ended.

        Raises:
            httpx.RemoteProtocolError: What was packed has not.

        """
        if self._has_begun and not self._inflate.eof:
            raise httpx.RemoteProtocolError("The compressed body ended too early")

    def _unpacked(self, packed: bytes) -> bytes:
        is_first = not self._has_begun
        self._has_begun = True
        try:
            return self._inflate.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            if not is_first:
                raise httpx.RemoteProtocolError(f"The compressed body is damaged: {error}") from error
        return self._unpacked_raw(packed)

    def _unpacked_raw(self, packed: bytes) -> bytes:
        # Some servers mean the bare format by "deflate" (RFC 9110, section 8.4.1.2).
        self._inflate = zlib.decompressobj(_RAW)
        try:
            return self._inflate.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            raise httpx.RemoteProtocolError(f"The compressed body is damaged: {error}") from error
