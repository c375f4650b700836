"""What a picture costs in tokens, told from its size in pixels, which its first bytes say."""

import base64
import binascii
from collections.abc import Callable
from itertools import takewhile
from typing import Literal

from domain.conversation.parts import Image, InlineData

PIXELS_PER_TOKEN = 750
"""https://docs.anthropic.com/en/docs/build-with-claude/vision, "Evaluate image size"."""

LONGEST_EDGE = 1568
MOST_TOKENS = 1600
"""Larger pictures are scaled down first (same page). Also the guess for a picture that we cannot see."""

_HEAD_BYTES = 65_536
"""Enough to pass the colour profiles and thumbnails that a JPEG puts before its size."""


def picture_tokens(image: Image) -> int:
    """About as many tokens as a vendor charges for the picture."""
    size = _size(image.source.base64) if isinstance(image.source, InlineData) else None
    if size is None:
        return MOST_TOKENS
    width, height = size
    scale = min(1.0, LONGEST_EDGE / max(width, height, 1))
    return max(1, min(MOST_TOKENS, round(width * scale * height * scale / PIXELS_PER_TOKEN)))


def _size(text: str) -> tuple[int, int] | None:
    """Width and height in pixels; ``None`` if the bytes do not say."""
    try:
        head = base64.b64decode(text[: _HEAD_BYTES // 3 * 4])
    except (binascii.Error, ValueError):
        return None
    found = (read(head) for opening, read in _FORMATS if head.startswith(opening))
    return next(found, None)


def _png(head: bytes) -> tuple[int, int] | None:
    """PNG, section 11.2.2: IHDR comes first."""
    return _pair(head, 16, 4, "big")


def _gif(head: bytes) -> tuple[int, int] | None:
    """GIF89a, section 18: the logical screen."""
    return _pair(head, 6, 2, "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    """RFC 9649: the extended, the lossless and the lossy form."""
    match head[12:16]:
        case b"VP8X" if len(head) >= 30:
            width, height = head[24:27], head[27:30]
            return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
        case b"VP8L" if len(head) >= 25:
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if len(head) >= 30:
            frame = _pair(head, 26, 2, "little")
            return frame and (frame[0] & 0x3FFF, frame[1] & 0x3FFF)
        case _:
            return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """ITU T.81, annex B: segments with their lengths, until the frame header."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _FRAME_HEADERS:
            size = _pair(head, at + 5, 2, "big")
            return size and (size[1], size[0])
        fill = len(list(takewhile(lambda byte: byte == 0xFF, head[at + 1 : at + 9])))
        at += fill if marker == 0xFF else 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _pair(head: bytes, at: int, width: int, order: Literal["big", "little"]) -> tuple[int, int] | None:
    if len(head) < at + 2 * width:
        return None
    first, second = head[at : at + width], head[at + width : at + 2 * width]
    return int.from_bytes(first, order), int.from_bytes(second, order)


_FORMATS: tuple[tuple[bytes, Callable[[bytes], tuple[int, int] | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
)
