"""Shows where a request would go, and why, without sending it."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from adapters.dialects.recognition import recognised
from app.cli.options import Choices, config_options, fail, launch_for, told_errors
from app.container import DIALECTS, Container, container_for
from app.use_cases.rehearse import Rehearsal
from domain.conversation.request import MalformedRequest
from domain.routing.selection import UnknownChoice, Wishes

BAD_REQUEST = 4
"""The exit code of a request that would be refused before any target is asked."""


@click.command()
@click.argument("file", type=click.File("rb"))
@config_options
@click.option("--dialect", type=click.Choice(sorted(DIALECTS)), help="The body's, if not to be guessed.")
@click.option("--profile-header", default="", help="As if the client sent X-CodeRouter-Profile.")
@click.option("--mode-header", default="", help="As if the client sent X-CodeRouter-Mode.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def route(
    *,
    file: BinaryIO,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    dialect: str | None,
    profile_header: str,
    mode_header: str,
    as_json: bool,
) -> None:
    """
    Show where the request in FILE (a JSON body; - reads standard input) would go.

    Nothing is sent. Exits with 2 when the configuration cannot be used, with 4 when the request would be
    refused.
    """
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    launch = launch_for(choices)
    with told_errors():
        container = container_for(launch)
        container.directory()
    try:
        rehearsal = _rehearsal(container, file.read(), dialect, profile_header, mode_header)
    except (MalformedRequest, UnknownChoice) as error:
        fail(str(error), BAD_REQUEST)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(asdict(rehearsal)), indent=2))
    else:
        _tell(rehearsal)
    if rehearsal.refused:
        fail(f"it would be refused: {rehearsal.refused}", BAD_REQUEST)


def _rehearsal(
    container: Container, body: bytes, dialect: str | None, profile_header: str, mode_header: str
) -> Rehearsal:
    request = DIALECTS[dialect or recognised(body)].decode_request(body, {})
    wishes = Wishes(
        profile=request.profile, profile_header=profile_header, mode_header=mode_header, model=request.model
    )
    return container.rehearse().rehearse(request, wishes)


def _tell(rehearsal: Rehearsal) -> None:
    model = rehearsal.requested_model or "no model"
    click.echo(f"A request in {rehearsal.dialect} for {model}")
    click.echo(f"goes to profile {_strong(rehearsal.profile)}, chosen by {_strong(rehearsal.rule)}.\n")
    width = max((len(place.provider) for place in rehearsal.chain), default=0)
    for place in rehearsal.chain:
        position = f"{place.position}." if place.position else "-"
        click.echo(
            f"  {position:<3} {place.provider:<{width}}  {place.model or '(its own model)'}  {place.why}"
        )
    click.echo("\nWhat rules and gates see:")
    for name, value in rehearsal.signals.items():
        click.echo(f"  {name:<17} {value if value != '' else '-'}")


def _strong(text: str) -> str:
    return click.style(text, bold=True) if sys.stdout.isatty() else text
