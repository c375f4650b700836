"""A picture's price is told from the size that its file says it has."""

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.parts import Image, InlineData, Link
from domain.tokens.pictures import MOST_TOKENS, picture_tokens


def inline(data: bytes) -> Image:
    return Image(source=InlineData(media_type="image/any", base64=base64.b64encode(data).decode()))


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg(width: int, height: int) -> bytes:
    profile = b"\xff\xe2" + struct.pack(">H", 5000) + bytes(4998)
    frame = b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + bytes(10)
    return b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + profile + b"\xff" + frame


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(8)


def webp_extended(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + size


def webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + bits.to_bytes(4, "little") + bytes(8)


def webp_lossy(width: int, height: int) -> bytes:
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)


@pytest.mark.parametrize("form", [png, jpeg, gif, webp_extended, webp_lossless, webp_lossy])
def test_a_picture_costs_a_token_for_750_pixels(form: object) -> None:
    assert callable(form)
    assert picture_tokens(inline(form(1000, 750))) == 1000


@pytest.mark.parametrize("form", [png, jpeg, gif])
def test_a_picture_on_end_costs_as_much_as_one_lying_down(form: object) -> None:
    assert callable(form)
    assert picture_tokens(inline(form(300, 200))) == picture_tokens(inline(form(200, 300))) == 80


def test_a_large_picture_is_scaled_down_first() -> None:
    assert picture_tokens(inline(png(6000, 4000))) == MOST_TOKENS
    assert picture_tokens(inline(png(15680, 157))) == 33


@pytest.mark.parametrize(
    "image",
    [Image(source=Link(url="https://example.org/a.png")), inline(b"no picture"), inline(png(1, 1)[:10])],
)
def test_a_picture_that_cannot_be_seen_counts_as_a_large_one(image: Image) -> None:
    assert picture_tokens(image) == MOST_TOKENS


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF8", b"RIFFxxxxWEBPVP8 "]), st.binary())
def test_no_bytes_are_beyond_counting(opening: bytes, rest: bytes) -> None:
    assert 1 <= picture_tokens(inline(opening + rest)) <= MOST_TOKENS


def test_broken_base64_is_no_error() -> None:
    image = Image(source=InlineData(media_type="image/png", base64="iVBOR*"))

    assert picture_tokens(image) == MOST_TOKENS
