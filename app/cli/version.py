"""Says which version this is."""

import platform
from importlib.metadata import version as version_of

import click
import msgspec

from app.version import gateway_version

_PARTS = ("litestar", "granian", "httpx", "httptools", "msgspec")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def version(*, as_json: bool) -> None:
    """Show the version of the gateway and of what it runs on."""
    versions = {"coderouter": gateway_version(), "python": platform.python_version()}
    versions |= {part: version_of(part) for part in _PARTS}
    if as_json:
        click.echo(msgspec.json.encode(versions))
        return
    for name, number in versions.items():
        click.echo(f"{name:<12}{number}")
