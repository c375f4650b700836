"""Shows where a request would go, and why, without sending it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO
from urllib.parse import urlencode

import click
import msgspec

from adapters.dialects.recognition import recognised
from app.cli.options import Choices, config_options, fail, launch_for, told_errors
from app.cli.running_gateway import RunningGateway, key_option
from app.container import DIALECTS, container_for
from app.use_cases.rehearse import Place, Rehearsal, Signal
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
@click.option("--member", default="", help="Whose request it would be, if not of one who may do everything.")
@click.option("--url", help="Ask the gateway that answers there: it knows who fails and who is left alone.")
@key_option("admin")
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
    member: str,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """
    Show where the request in FILE (a JSON body; - reads standard input) would go.

    No provider is asked. Without --url the configuration alone decides, as if the gateway had just started.
    Exits with 2 when the configuration cannot be used, with 4 when the request would be refused, with 5 when
    no gateway answers at --url, with 7 when that wants another key.
    """
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    asked = _Asked(
        body=file.read(),
        dialect=dialect,
        profile_header=profile_header,
        mode_header=mode_header,
        member=member,
    )
    rehearsal = _by_configuration(asked, choices) if url is None else _by_gateway(asked, url, key)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(asdict(rehearsal)), indent=2))
    else:
        _tell(rehearsal)
    if rehearsal.refused:
        fail(f"it would be refused: {rehearsal.refused}", BAD_REQUEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request as a client would send it; ``dialect`` is ``None`` where that is to be guessed."""

    body: bytes
    dialect: str | None
    profile_header: str
    mode_header: str
    member: str


def _by_configuration(asked: _Asked, choices: Choices) -> Rehearsal:
    launch = launch_for(choices)
    with told_errors():
        container = container_for(launch)
        container.directory()
    try:
        request = DIALECTS[asked.dialect or recognised(asked.body)].decode_request(asked.body, {})
        wishes = Wishes(
            profile=request.profile,
            profile_header=asked.profile_header,
            mode_header=asked.mode_header,
            model=request.model,
        )
        return container.rehearse().rehearse(request, wishes, asked.member)
    except (MalformedRequest, UnknownChoice) as error:
        fail(str(error), BAD_REQUEST)


def _by_gateway(asked: _Asked, url: str, key: str | None) -> Rehearsal:
    said = {"dialect": asked.dialect, "member": asked.member}
    query = urlencode({name: value for name, value in said.items() if value})
    wishes = {"x-coderouter-profile": asked.profile_header, "x-coderouter-mode": asked.mode_header}
    headers = {name: value for name, value in wishes.items() if value}
    gateway = RunningGateway(address=url.rstrip("/"), key=key, scope="admin")
    told = gateway.ask(
        f"/admin/plan?{query}", holding="chain", refused=BAD_REQUEST, body=asked.body, headers=headers
    )
    return msgspec.convert(told, Rehearsal)


def _tell(rehearsal: Rehearsal) -> None:
    model = f"model {rehearsal.requested_model}" if rehearsal.requested_model else "no model"
    whose = f" of {rehearsal.member}" if rehearsal.member else ""
    click.echo(f"A request{whose} in {rehearsal.dialect} for {model}")
    goes_to = "takes its policies from" if rehearsal.pinned else "goes to"
    chosen = f"chosen by {_strong(rehearsal.rule)}: {rehearsal.because}"
    click.echo(f"{goes_to} profile {_strong(rehearsal.profile)}, {chosen}.\n")
    _tell_chain(rehearsal.chain)
    click.echo("\nWhat rules and gates see:")
    for name, value in rehearsal.signals.items():
        click.echo(f"  {name:<17} {_shown(value)}{_NOTES.get(name, '')}")


def _tell_chain(chain: Sequence[Place]) -> None:
    models = [place.model or "(its own model)" for place in chain]
    provider_width = max((len(place.provider) for place in chain), default=0)
    model_width = max(map(len, models), default=0)
    for place, model in zip(chain, models, strict=True):
        position = f"{place.position}." if place.position else "-"
        click.echo(f"  {position:<3} {place.provider:<{provider_width}}  {model:<{model_width}}  {place.why}")


_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "estimated_tokens": "  (characters / 4, what content_token_count_min sees)",
        "prompt_tokens": "  (what has to fit into a context window)",
        "output_limit": "  (tokens; 0 is none)",
    }
)
"""What a signal's name does not say."""


def _shown(value: Signal) -> str:
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case "":
            return "-"
        case _:
            return str(value)


def _strong(text: str) -> str:
    return click.style(text, bold=True) if sys.stdout.isatty() else text
