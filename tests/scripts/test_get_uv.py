"""A machine without uv, pip or venv still gets the uv that fits it, and none that was tampered with."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from scripts.get_uv import Links, check, pick, unpack

WHEELS = [
    {"filename": f"uv-1.2.3-py3-none-{platform}.whl", "url": platform, "sha256": ""}
    for platform in (
        "macosx_11_0_arm64",
        "manylinux_2_17_armv7l.manylinux2014_armv7l",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "manylinux_2_28_aarch64",
        "musllinux_1_1_aarch64",
        "win_amd64",
    )
]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (("manylinux", "x86_64"), "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        (("manylinux", "aarch64"), "manylinux_2_28_aarch64"),
        (("manylinux", "armv7l"), "manylinux_2_17_armv7l.manylinux2014_armv7l"),
        (("musllinux", "aarch64"), "musllinux_1_1_aarch64"),
        (("macosx", "arm64"), "macosx_11_0_arm64"),
    ],
)
def test_the_wheel_of_this_machine_is_picked(tag: tuple[str, str], expected: str) -> None:
    assert pick(WHEELS, tag)["url"] == expected


def test_a_machine_that_uv_does_not_support_is_told_so() -> None:
    with pytest.raises(SystemExit, match="manylinux on sparc64"):
        pick(WHEELS, ("manylinux", "sparc64"))


def test_a_page_of_links_is_read_with_its_checksums() -> None:
    page = '<h1>Links</h1><a href="../../uv-1.whl#sha256=ab" data-x="y">uv-1.whl</a><br/><a>none</a>'

    assert Links(page).addresses == ["../../uv-1.whl#sha256=ab"]


def test_a_download_that_is_not_what_was_published_is_refused() -> None:
    check(b"as published", hashlib.sha256(b"as published").hexdigest(), "uv.whl")
    with pytest.raises(SystemExit, match=r"uv\.whl is not what was published"):
        check(b"tampered with", hashlib.sha256(b"as published").hexdigest(), "uv.whl")


def test_the_program_is_unpacked_ready_to_run(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("uv-1.2.3.data/scripts/uvx", b"another")
        archive.writestr("uv-1.2.3.data/scripts/uv", b"the program")

    program = unpack(wheel.getvalue(), tmp_path / "tools")

    assert program.read_bytes() == b"the program"
    assert os.access(program, os.X_OK)
    assert [path.name for path in program.parent.iterdir()] == ["uv"]
