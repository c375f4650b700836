"""What the README promises names the tests that hold it, and what it links to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_PROMISES = re.compile(r"^\|[^|]+\| (`tests/[^|]+) \|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[^`]+)`")
_LINKS = re.compile(r"\]\(([^)#]+)\)")


def promised() -> list[str]:
    return [path for row in _PROMISES.findall(README) for path in _NAMED.findall(row)]


def test_every_promise_names_a_test() -> None:
    assert len(promised()) >= 10


@pytest.mark.parametrize("path", promised())
def test_a_test_that_holds_a_promise_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("link", [link for link in _LINKS.findall(README) if "://" not in link])
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
