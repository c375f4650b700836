"""What the guides tell people to type is there."""

import re

import pytest
from click.testing import CliRunner

from app.cli.main import COMMANDS, main
from tests.architecture.tree import ROOT

GUIDES = ("deploy/README.md", "docs/raspberry-pi.md")

_OURS = re.compile(r"(?<![\w./-])(?:deploy|config/presets|scripts)/[\w./*-]*[\w*]")
_MADE_BY_READERS = ("deploy/etc", "deploy/.env")
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_COMMAND = re.compile(
    r"(?:bin/coderouter|^coderouter|`coderouter|exec coderouter coderouter) (?P<words>[a-z]+(?: [a-z]+)?)",
    re.MULTILINE,
)
_KEYS_COMMAND = re.compile(r"\b(?P<words>keys (?:create|list|rotate|revoke)[^\n`]*)")


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text("utf-8")


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_of_ours_that_it_names_exists(guide: str) -> None:
    named = {name for name in _OURS.findall(text_of(guide)) if not name.startswith(_MADE_BY_READERS)}

    assert named
    assert [name for name in named if not list(ROOT.glob(name))] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_leads_somewhere(guide: str) -> None:
    folder = (ROOT / guide).parent

    assert [link for link in _LINK.findall(text_of(guide)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_exists_with_its_options(guide: str) -> None:
    told = [match["words"] for match in _COMMAND.finditer(text_of(guide))]
    keys = [match["words"] for match in _KEYS_COMMAND.finditer(text_of(guide))]

    assert {words.split()[0] for words in told} <= set(COMMANDS)
    assert keys
    for words in keys:
        options = re.findall(r"--[a-z-]+", words)
        help_text = CliRunner().invoke(main, [*words.split()[:2], "--help"]).output
        assert [option for option in options if option not in help_text] == []
