"""A body that came compressed is unpacked as it comes, however it was cut."""

import gzip
import zlib
from collections.abc import Callable, Mapping

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.http1.unpacking import PIECE_BYTES, Unpacking


def bare(plain: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(plain) + packing.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bare deflate": bare,
}


CODINGS = {"gzip": b"gzip", "zlib": b"deflate", "bare deflate": b"deflate"}


@pytest.mark.parametrize("packer", PACKERS)
@given(plain=st.binary(max_size=3000), size=st.integers(1, 4000))
def test_it_may_be_cut_anywhere(packer: str, plain: bytes, size: int) -> None:
    packed, unpacking = PACKERS[packer](plain), Unpacking(CODINGS[packer])
    if packer == "bare deflate" and size < 3:
        size = 3  # nothing can tell the bare format from damage before its third byte

    got = [piece for at in range(0, len(packed), size) for piece in unpacking.pieces(packed[at : at + size])]
    unpacking.end()

    assert b"".join(got) == plain


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_several_members_are_one_body(size: int) -> None:
    packed, unpacking = gzip.compress(b"hello ") + gzip.compress(b"world"), Unpacking(b"gzip")

    got = [piece for at in range(0, len(packed), size) for piece in unpacking.pieces(packed[at : at + size])]
    unpacking.end()

    assert b"".join(got) == b"hello world"


def test_no_piece_is_larger_than_it_should_be() -> None:
    unpacking = Unpacking(b"gzip")

    sizes = [len(piece) for piece in unpacking.pieces(gzip.compress(bytes(10_000_000)))]
    unpacking.end()

    assert sum(sizes) == 10_000_000
    assert max(sizes) <= PIECE_BYTES


def test_what_ends_too_early_and_what_is_damaged_is_an_error() -> None:
    packed = gzip.compress(b"hello" * 1000)

    early = Unpacking(b"gzip")
    list(early.pieces(packed[:-9]))
    with pytest.raises(httpx.RemoteProtocolError, match="too early"):
        early.end()
    for damaged in (b"hello, world", packed[:15] + b"\xff" * 20 + packed[35:]):
        with pytest.raises(httpx.RemoteProtocolError, match="damaged"):
            list(Unpacking(b"gzip").pieces(damaged))


@pytest.mark.parametrize("size", [1, 1000])
def test_what_follows_the_end_is_dropped_as_it_comes(size: int) -> None:
    unpacking = Unpacking(b"gzip")
    packed = gzip.compress(b"hello") + bytes(5000)

    got = [piece for at in range(0, len(packed), size) for piece in unpacking.pieces(packed[at : at + size])]
    unpacking.end()

    assert b"".join(got) == b"hello"


def test_plain_text_that_passes_for_gzip_is_damaged_and_not_something_else() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="damaged"):
        list(Unpacking(b"gzip").pieces(b'{"choices": []}'))


def test_an_empty_body_is_no_damage() -> None:
    Unpacking(b"gzip").end()
