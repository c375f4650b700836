"""Shows what a running gateway has counted."""

import json
import sys
import time
from typing import Any

import click
import httpx

from app.cli.options import fail
from app.cli.running_gateway import NO_ENTRY, NOT_LET_IN, message_of
from app.cli.stats_text import told

UNREACHABLE = 2
"""The exit code when the gateway does not tell."""

_PATIENCE_S = 2.0


@click.command()
@click.option("--url", default="http://127.0.0.1:8088/metrics.json", show_default=True, help="Where to ask.")
@click.option("--key", envvar="CODEROUTER_KEY", help="A key with the scope metrics.  [env: CODEROUTER_KEY]")
@click.option(
    "--interval",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Seconds between.",
)
@click.option("--once", is_flag=True, help="Look once; so it is anyway where nobody watches a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print the document itself, once.")
def stats(*, url: str, key: str | None, interval: float, once: bool, as_json: bool) -> None:
    """
    Show what a running gateway has counted: requests, providers, refusals, costs, the latest attempts.

    Exits with 2 when the gateway does not tell, with 7 when it wants another key.
    """
    if as_json:
        click.echo(json.dumps(_fetched(url, key), indent=2))
    elif once or not sys.stdout.isatty():
        click.echo(told(_fetched(url, key)), nl=False)
    else:
        _watch(url, key, interval)


def _watch(url: str, key: str | None, interval: float) -> None:
    while True:
        text = told(_fetched(url, key))
        click.clear()
        click.echo(text, nl=False)
        click.echo("\nCtrl-C ends this.")
        time.sleep(interval)


def _fetched(url: str, key: str | None) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(url, headers=headers, timeout=_PATIENCE_S)
        answer.raise_for_status()
        document = answer.json()
    except httpx.HTTPStatusError as error:
        answer = error.response
        if answer.status_code in NOT_LET_IN:
            fail(f"{message_of(answer)} (--key gives one)", NO_ENTRY)
        fail(f"{url} answers {answer.status_code}", UNREACHABLE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"{url} does not answer: {error}", UNREACHABLE)
    except ValueError:
        fail(f"{url} answers something else than JSON", UNREACHABLE)
    if not isinstance(document, dict):
        fail(f"{url} answers something else than a gateway's counts", UNREACHABLE)
    return document
