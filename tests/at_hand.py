"""Programs that tests need and do not bring along."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def at_hand(program: str | Path, remedy: str) -> Path:
    """A program by its path, or by its name in the search path; `remedy` installs it."""
    found = shutil.which(program)
    return Path(found) if found is not None else missing(Path(program).name, remedy)


def missing(what: str, remedy: str) -> NoReturn:
    """Where installing failed, the tests that need it cannot run; with CI=true that is a failure."""
    reason = f"{what} is not installed: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
