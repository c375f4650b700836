"""Writes the beginnings of an adapter."""

import keyword
import re
import sys
from pathlib import Path

import click

from app.cli.options import CONFIG_ERROR, fail
from app.package_names import PACKAGES

_TEMPLATE = Path(__file__).with_name("template")
_FILES = {"model.py": "{name}.py", "model_stage.py": "{name}_stage.py", "model_contract.py": "test_{name}.py"}
"""The modules of the template, and what they become."""


_CLASS = re.compile(r"(?<![A-Za-z])Model(?=\b|Options)|(?<=Test)Model\b")
"""The name of its class, also as a part of the names of others."""


@click.command()
@click.argument("name")
def new(*, name: str) -> None:
    """
    Write an adapter that works, its stage and its tests into this folder, to be made your own.

    NAME is that of its module. Exits with 2 when it is no good name, or a file is there already.
    """
    _require_good(name)
    written = {Path(into.format(name=name)): _named(name, source) for source, into in _FILES.items()}
    for file in written:
        if file.exists():
            fail(f"{file} is there already; nothing was written", CONFIG_ERROR)
    for file, text in written.items():
        file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {file}")
    click.echo(f"try it: coderouter adapter test {name}:{_class_of(name)} --stage {name}_stage:stage")


def _named(name: str, source: str) -> str:
    """A module of the template under its new name; ours are not spoken of in it."""
    text = (_TEMPLATE / source).read_text("utf-8")
    at_home = text.replace("app.cli.template.model", name).replace("model:Model", f"{name}:Model")
    return _CLASS.sub(_class_of(name), at_home)


def _class_of(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _require_good(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        fail(f"{name!r} is no name of a Python module: letters, digits and underscores", CONFIG_ERROR)
    if name in PACKAGES or name in sys.stdlib_module_names:
        fail(f"a module called {name} is there already, and yours would not be found", CONFIG_ERROR)
