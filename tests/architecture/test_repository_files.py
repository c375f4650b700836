"""The repository speaks of itself alone: a clone anywhere, by anyone, finds no path that leads out of it."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, repository_files

OUTWARD = re.compile(
    r"""
      (?<![\w.]) \.\./ shared \b        # a folder beside the checkout
    | (?<![\w.]) / work /               # where somebody's checkout lies
    | (?<![\w.]) / (?: home | Users ) / (?! coderouter\b | user\b | you\b ) \w+   # somebody's home
    | (?<![\w.]) / root / \.            # and the administrator's
    """,
    re.VERBOSE,
)
LOCKED_FILES = {"uv.lock"}


@pytest.mark.parametrize(
    "text", [".." + "/shared/notes.md", "/wor" + "k/main/app", "/hom" + "e/alice/src", "/roo" + "t/.cache"]
)
def test_the_check_itself_knows_a_path_that_leads_out(text: str) -> None:
    assert OUTWARD.search(f"see {text}")


@pytest.mark.parametrize(
    "text", ["https://x.test/work/1", "network/workers", "/home/coderouter/.config", "framework/"]
)
def test_the_check_itself_lets_other_words_pass(text: str) -> None:
    assert not OUTWARD.search(f"see {text}")


def test_no_file_names_a_place_outside_the_repository() -> None:
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in repository_files()
        if path.name not in LOCKED_FILES and (match := OUTWARD.search(text_of(path)))
    }

    assert found == {}


def text_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")
