"""Asks a gateway that runs somewhere what it knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx

from app.cli.options import CONFIG_ERROR, fail, told_errors
from app.launch import find_server
from config.settings import process_environment
from infrastructure.server import from_here

UNREACHABLE = 5
"""The exit code when no gateway answers at the address."""

NO_ENTRY = 7
"""The exit code when the gateway wants another key, or any at all."""

_PATIENCE_S = 5.0

_NOT_LET_IN = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

_Command = TypeVar("_Command", bound=Callable[..., Any])


def gateway_options(scope: str) -> Callable[[_Command], _Command]:
    """The options that tell which gateway is meant, and show it a key with this scope."""

    def with_options(command: _Command) -> _Command:
        options = (
            click.option(
                "--config",
                type=click.Path(path_type=Path),
                help="The configuration file; its server.host and server.port are where the gateway answers.",
            ),
            click.option("--url", help="Where it answers instead, such as http://gateway.lan:8088."),
            key_option(scope),
        )
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def key_option(scope: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--key", envvar="CODEROUTER_KEY", help=f"A key with the scope {scope}.  [env: CODEROUTER_KEY]"
    )


def address_of(url: str | None, config: Path | None) -> str:
    """Where the gateway answers: as said, else where one of this configuration listens."""
    if url:
        return url.rstrip("/")
    with told_errors():
        server = find_server(process_environment(), config_flag=config)
    if server.port == 0:
        fail(
            "server.port is 0, which is any free one: say with --url where the gateway answers", CONFIG_ERROR
        )
    return from_here(server.host, server.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGateway:
    """
    A gateway to ask.

    Attributes:
        key: what it is shown; ``None`` is nothing.
        scope: what that key must open.
        unreachable: the exit code when no gateway answers there.
    """

    address: str
    key: str | None = field(repr=False)
    scope: str
    unreachable: int = UNREACHABLE

    def ask(
        self,
        path: str,
        *,
        holding: str,
        refused: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """
        The JSON object that it answers: to a GET, or to a POST of ``body``.

        The command ends with `NO_ENTRY` when the key is not good for it, and with ``refused`` when the
        answer is another error.

        Args:
            holding: a field of the answer, by which it is known to be a gateway's.
        """
        answer = self._answer(f"{self.address}{path}", body, headers or {})
        if answer.status_code in _NOT_LET_IN:
            fail(f"{_message(answer)}\n{_REMEDY.format(scope=self.scope)}", NO_ENTRY)
        if answer.status_code != httpx.codes.OK:
            fail(_message(answer), refused)
        found = _json(answer)
        if not isinstance(found, dict) or holding not in found:
            fail(f"{answer.url} answers something else than a gateway would", self.unreachable)
        return found

    def _answer(self, url: str, body: bytes | None, headers: Mapping[str, str]) -> httpx.Response:
        sent = {**headers, **({"authorization": f"Bearer {self.key}"} if self.key else {})}
        method = "GET" if body is None else "POST"
        try:
            return httpx.request(
                method, url, content=body, headers=sent, timeout=_PATIENCE_S, trust_env=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fail(f"no gateway answers at {url}: {error}\n(--url says where else to ask)", self.unreachable)


_REMEDY = (
    "--key, or CODEROUTER_KEY in the environment, shows one with the scope {scope};"
    " `coderouter keys create NAME --scope {scope}` makes it"
)


def _message(answer: httpx.Response) -> str:
    """What the gateway says of an error."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answers {answer.status_code}"


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None
