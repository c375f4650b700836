"""Helps those who write adapters: writes a beginning, and tries one against the contract suite."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from adapters.outbound.contract.promises import PROMISES
from app.cli.adapter_new import new
from app.cli.adapter_report import Tally, told
from app.cli.adapter_trials import Cast, Untriable, configured, named, staged
from app.cli.options import CONFIG_ERROR, Choices, config_options, fail, launch_for, told_errors

BROKEN = 1
"""The exit code of an adapter that broke a promise."""


@click.group()
def adapter() -> None:
    """Help with adapters of your own."""


adapter.add_command(new)


@adapter.command("test")
@click.argument("reference", default="")
@click.option(
    "--stage", default="", help="Where it is tried: the import path of a stage, package.module:name."
)
@click.option("--options", default="{}", help="The adapter's options as a JSON object.")
@click.option("--base-url", default="", help="The provider's address.")
@click.option("--model", default="", help="The provider's model.")
@click.option("--key-env", default="", help="The environment variable that holds the provider's key.")
@click.option("--provider", default="", help="Try this provider of the configuration.")
@click.option("--except", "excused", multiple=True, help="A promise not to ask for; may be repeated.")
@click.option("--patience", default=30.0, show_default=True, help="Seconds that each promise may take.")
@config_options
def tried(
    *,
    reference: str,
    stage: str,
    options: str,
    base_url: str,
    model: str,
    key_env: str,
    provider: str,
    excused: tuple[str, ...],
    patience: float,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
) -> None:
    """
    Put the adapter REFERENCE to the test: does it keep what the gateway relies on?

    REFERENCE is what a configuration would say under adapter: package.module:Name, or the name of an
    installed one. With --provider it is taken from the configuration, with options, address and key. A
    --stage plays the upstream's part; without one, the upstream itself is asked some dozens of times.

    Exits with 0 when no promise was broken, with 1 when one was, with 2 when the adapter cannot be tried.
    """
    _require_known(excused)
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    try:
        if provider:
            launch = launch_for(choices)
            with told_errors():
                cast = configured(launch, provider, _only_provider(reference, stage))
        elif stage:
            cast = staged(_given(reference), stage)
        else:
            spec = {"base_url": base_url, "model": model, "options": _object(options)}
            cast = named(_given(reference), spec, key_env)
    except Untriable as reason:
        fail(str(reason), CONFIG_ERROR)
    tally = asyncio.run(_judged(cast, frozenset(excused), patience))
    raise SystemExit(BROKEN if tally.broken else 0)


async def _judged(cast: Cast, excused: frozenset[str], patience_s: float) -> Tally:
    click.echo(cast.title)
    tally = await told((promise for promise in PROMISES if promise.name not in excused), cast, patience_s)
    click.echo(str(tally))
    return tally


def _given(reference: str) -> str:
    if not reference:
        raise click.UsageError("say which adapter: a REFERENCE, or --provider with a configuration")
    return reference


def _only_provider(reference: str, stage: str) -> str:
    """The stage on which a configured provider is tried; the reference is the configuration's."""
    if reference:
        raise click.UsageError("--provider names the adapter already; leave REFERENCE out")
    return stage


def _object(options: str) -> Mapping[str, Any]:
    try:
        read = json.loads(options)
    except ValueError as error:
        raise click.BadParameter(f"this is no JSON: {error}", param_hint="--options") from error
    if not isinstance(read, dict):
        raise click.BadParameter("a JSON object is wanted", param_hint="--options")
    return read


def _require_known(excused: tuple[str, ...]) -> None:
    known = [promise.name for promise in PROMISES]
    for name in excused:
        if name not in known:
            raise click.BadParameter(
                f'no promise "{name}"; there are: {", ".join(known)}', param_hint="--except"
            )
