"""Tells what happened to a past request, by asking the running gateway."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from app.cli.moments import shown, zone_of
from app.cli.running_gateway import RunningGateway, address_of, gateway_options

UNKNOWN = 6
"""The exit code when the gateway does not know the request (any more)."""

_LEFT_OUT = frozenset({"request_id"})


@click.command()
@click.argument("request_id")
@gateway_options("admin")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def explain(*, request_id: str, config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """
    Tell what happened to the request with this id (the answer's X-Request-Id).

    Times of day are those of the gateway's display_timezone; with --json they are UTC.

    The gateway is asked where its configuration says that it listens, or at --url. Exits with 2 when the
    configuration cannot be used, with 5 when no gateway answers, with 6 when it does not know the request,
    with 7 when it wants another key.
    """
    gateway = RunningGateway(address=address_of(url, config), key=key, scope="admin")
    story = gateway.ask(f"/admin/requests/{quote(request_id, safe='')}", holding="events", refused=UNKNOWN)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(story), indent=2))
        return
    zone = zone_of(story.get("display_timezone"))
    for happening in story["events"]:
        click.echo(f"{_moment(happening['ts'], zone)}  {_styled(happening)}  {_details(happening['fields'])}")


def _moment(timestamp: str, zone: tzinfo) -> str:
    """The time of day, and its zone."""
    moment = datetime.fromisoformat(timestamp).timestamp()
    return shown(moment, zone, "milliseconds").partition("T")[2]


def _styled(happening: dict[str, Any]) -> str:
    colour = {"warning": "yellow", "error": "red"}.get(happening["level"])
    return click.style(f"{happening['event']:<26}", fg=colour)


def _details(fields: dict[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if name not in _LEFT_OUT}
    return " ".join(f"{name}={_short(value)}" for name, value in told.items() if value not in (None, "", []))


def _short(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else msgspec.json.encode(value).decode()
