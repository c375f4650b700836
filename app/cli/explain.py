"""Tells what happened to a past request, by asking the running gateway."""

from typing import Any
from urllib.parse import quote

import click
import msgspec

from app.cli.running_gateway import ask_gateway

UNKNOWN = 6
"""The exit code when the gateway does not know the request (any more)."""

_LEFT_OUT = frozenset({"request_id"})


@click.command()
@click.argument("request_id")
@click.option("--url", default="http://127.0.0.1:8088", show_default=True, help="Where the gateway answers.")
@click.option("--key", envvar="CODEROUTER_KEY", help="A key with the scope admin.  [env: CODEROUTER_KEY]")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def explain(*, request_id: str, url: str, key: str | None, as_json: bool) -> None:
    """
    Tell what happened to the request with this id (the answer's X-Request-Id).

    Exits with 5 when no gateway answers, with 6 when it does not know the request, with 7 when it wants
    another key.
    """
    story = ask_gateway(url, f"/admin/requests/{quote(request_id, safe='')}", key, refused=UNKNOWN)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(story), indent=2))
        return
    for happening in story["events"]:
        click.echo(f"{_moment(happening['ts'])}  {_styled(happening)}  {_details(happening['fields'])}")


def _moment(timestamp: str) -> str:
    return timestamp[11:23]


def _styled(happening: dict[str, Any]) -> str:
    colour = {"warning": "yellow", "error": "red"}.get(happening["level"])
    return click.style(f"{happening['event']:<26}", fg=colour)


def _details(fields: dict[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if name not in _LEFT_OUT}
    return " ".join(f"{name}={_short(value)}" for name, value in told.items() if value not in (None, "", []))


def _short(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else msgspec.json.encode(value).decode()
