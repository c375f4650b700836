"""Shows what a running gateway has counted."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from app.cli.running_gateway import RunningGateway, address_of, gateway_options
from app.cli.stats_text import told

UNREACHABLE = 2
"""The exit code when the gateway does not tell."""

_DOCUMENT = "/metrics.json"


@click.command()
@gateway_options("metrics")
@click.option(
    "--interval",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Seconds between.",
)
@click.option("--once", is_flag=True, help="Look once; so it is anyway where nobody watches a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print the document itself, once.")
def stats(
    *, config: Path | None, url: str | None, key: str | None, interval: float, once: bool, as_json: bool
) -> None:
    """
    Show what a running gateway has counted: requests, providers, refusals, costs, the latest attempts.

    The gateway is asked where its configuration says that it listens, or at --url. Exits with 2 when the
    gateway does not tell, or its configuration cannot be used, with 7 when it wants another key.
    """
    gateway = RunningGateway(
        address=address_of(url, config).removesuffix(_DOCUMENT),
        key=key,
        scope="metrics",
        unreachable=UNREACHABLE,
    )
    if as_json:
        click.echo(json.dumps(_counts(gateway), indent=2))
    elif once or not sys.stdout.isatty():
        click.echo(told(_counts(gateway)), nl=False)
    else:
        _watch(gateway, interval)


def _watch(gateway: RunningGateway, interval: float) -> None:
    while True:
        text = told(_counts(gateway))
        click.clear()
        click.echo(text, nl=False)
        click.echo("\nCtrl-C ends this.")
        time.sleep(interval)


def _counts(gateway: RunningGateway) -> dict[str, Any]:
    document: dict[str, Any] = gateway.ask(_DOCUMENT, holding="counters", refused=UNREACHABLE)
    return document
