"""Makes, lists, replaces and revokes keys from the command line."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar, Unpack

import click
import msgspec

from app.cli.moments import shown, zone_of
from app.cli.options import Choices, config_options, fail, launch_for, told_errors
from app.cli.spans import Span
from app.cli.wanted_key import REFUSED, Said, wanted, wanted_options
from app.container import Container, container_for
from app.use_cases.key_terms import UnclearTerms, budget_terms, limit_terms
from app.use_cases.manage_keys import Made, ManageKeys, UnknownKey, UnknownMember, UnknownPlace, Wanted
from config.money_advice import key_advice
from config.state_location import Nowhere, SqliteFile, StateLocation
from config.translate_access import hash_line
from domain.access.keys import Key, StoredKey, UnreadableKey, id_in
from domain.access.permissions import EVERYTHING, Permissions
from domain.ports.storage import StoreUnavailable

STATE_ERROR = 4
"""The exit code when the state cannot be read or written."""

Gained = TypeVar("Gained")

_as_json = click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")


@click.group()
def keys() -> None:
    """
    Make and manage the keys of members.

    As soon as there is a key, nothing but public paths opens without one; running gateways notice at once.
    Each command exits with 2 for a key, member, profile or provider that does not exist, with 4 when the
    state cannot be used or keeps nothing.
    """


@keys.command()
@click.argument("member")
@config_options
@wanted_options
@click.option(
    "--hash-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write id and digest there, for auth.keys[] of the configuration, and keep nothing in the state.",
)
@_as_json
def create(
    *,
    member: str,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    hash_file: Path | None,
    as_json: bool,
    **said: Unpack[Said],
) -> None:
    """
    Make a key for MEMBER, and show it this once.

    What it may spend and use bounds this key beside whatever bounds its member.
    """
    asked = wanted(member, said)
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    if hash_file is None:
        container = _lasting(choices)
        made = _run(container, lambda manage: manage.create(asked))
    else:
        if asked != Wanted(member=member, scopes=asked.scopes):
            fail("with --hash-file say in auth.keys[] what the key may do and use, and not here", REFUSED)
        container = _container(choices)
        made = _run(container, lambda manage: _now(manage.draw(asked)))
        _write(hash_file, hash_line(made.key.id, made.key.digest))
    _show(made, as_json=as_json)
    for line in key_advice(made.key, container.launch().config, container.table()):
        click.echo(f"note: {line}", err=True)


@keys.command("list")
@config_options
@_as_json
def listed(
    *,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    as_json: bool,
) -> None:
    """
    List the keys that the state keeps; secrets are not among what it knows.

    Where the configuration declares members, a key of nobody among them is marked: it does not open /v1, but
    what else it opens it opens until it is revoked. A key that is unreadable opens nothing.
    """
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    container = _lasting(choices)
    found = _listed(container)
    if as_json:
        click.echo(json.dumps([facts(key) for key in found], indent=2))
        return
    if not found:
        click.echo("There are no keys: whoever reaches the gateway may use it.")
    for line in _table(found, container.members(), zone_of(container.launch().config.display_timezone)):
        click.echo(line)


@keys.command()
@click.argument("key_id")
@config_options
@click.option("--grace", "grace_s", type=Span(), default=0.0, help="How long the old one holds, such as 1h.")
@_as_json
def rotate(
    *,
    key_id: str,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    grace_s: float,
    as_json: bool,
) -> None:
    """Make a new key in the place of KEY_ID, which may do and spend the same, and show it this once."""
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    made = _managing(choices, key_id, lambda manage: manage.rotate(key_id, grace_s=grace_s))
    _show(made, as_json=as_json)


@keys.command()
@click.argument("key_id")
@config_options
def revoke(
    *,
    key_id: str,
    config: Path | None,
    mode: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
) -> None:
    """End KEY_ID now, in every process that serves from this state."""
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    revoked = _managing(choices, key_id, lambda manage: manage.revoke(key_id))
    click.echo(f"{revoked.id} of {revoked.member} opens nothing any more")


def facts(stored: StoredKey) -> dict[str, Any]:
    """All that is known of a key, for a script."""
    key, unreadable = _known(stored)
    return {
        "id": key.id,
        "member": key.member,
        "account": key.account,
        "scopes": sorted(key.scopes),
        "profiles": _sorted(key.narrowing.profiles),
        "providers": _sorted(key.narrowing.providers),
        "paid": key.narrowing.paid,
        "lan_only": key.narrowing.lan_only,
        "budget": msgspec.to_builtins(budget_terms(key.budget)),
        "limits": msgspec.to_builtins(limit_terms(key.limits)),
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
        "unreadable": unreadable,
    }


def _known(stored: StoredKey) -> tuple[Key, str | None]:
    """What can be told of a key, and why that is not all."""
    return (stored.remains, stored.reason) if isinstance(stored, UnreadableKey) else (stored, None)


def _listed(container: Container) -> Sequence[StoredKey]:
    """Where there is no state there are no keys."""
    if missing_state(container.state_location()):
        return ()
    return _run(container, lambda manage: manage.keys())


def missing_state(location: StateLocation) -> str:
    """
    Why nothing can be found there; empty where there may be something.

    Whoever only asks makes no state: it would belong to the wrong user, and look like a lost one.
    """
    if not isinstance(location, SqliteFile) or location.path.exists():
        return ""
    return (
        f"there is no state at {location.path}: a gateway of this configuration has not run yet, or ran as"
        " another user or with another environment"
    )


def _managing(choices: Choices, key_id: str, job: Callable[[ManageKeys], Awaitable[Gained]]) -> Gained:
    """Does something with a key of the state that this configuration names."""
    container = _lasting(choices)
    if missing := missing_state(container.state_location()):
        fail(f"no key has the id {id_in(key_id)!r}; {missing}", REFUSED)
    return _run(container, job)


def _lasting(choices: Choices) -> Container:
    container = _container(choices)
    if isinstance(container.state_location(), Nowhere):
        fail(
            "the state ends with the gateway (state.url is memory:), and no other process sees its keys: ask"
            " the gateway itself while it runs (/admin/keys), give it a state.url that lasts, or keep digests"
            " in files (--hash-file and auth.keys[])",
            STATE_ERROR,
        )
    return container


def _container(choices: Choices) -> Container:
    with told_errors():
        container = container_for(launch_for(choices))
        container.members()
    return container


def _run(container: Container, job: Callable[[ManageKeys], Awaitable[Gained]]) -> Gained:
    async def run() -> Gained:
        try:
            return await job(container.manage_keys())
        finally:
            await container.store().aclose()

    try:
        return asyncio.run(run())
    except (UnknownKey, UnknownMember, UnknownPlace, UnclearTerms) as error:
        fail(str(error), REFUSED)
    except StoreUnavailable as error:
        fail(f"the state cannot be used: {error}", STATE_ERROR)


async def _now(made: Made) -> Made:
    return made


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}", STATE_ERROR)


def _show(made: Made, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**facts(made.key), "key": made.token}, indent=2))
        return
    click.echo(made.token)
    scopes = ", ".join(sorted(made.key.scopes))
    click.echo(f"Key {made.key.id} of {made.key.member} opens: {scopes}. It is shown this once.", err=True)


def _table(found: Iterable[StoredKey], members: Collection[str], zone: tzinfo) -> Iterable[str]:
    now = datetime.now(UTC).timestamp()
    rows = [
        ("id", "member", "spends as", "opens", "narrowed to", "may use", "made", "holds"),
        *(_row(key, now, members, zone) for key in found),
    ]
    if len(rows) == 1:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(stored: StoredKey, now: float, members: Collection[str], zone: tzinfo) -> tuple[str, ...]:
    key, unreadable = _known(stored)
    made = shown(key.created_at, zone)
    opens = ",".join(sorted(key.scopes))
    may = (opens, _narrowing(key.narrowing), _allowance(key))
    member = f"{key.member} (no member)" if members and key.member not in members else key.member
    holds = f"unreadable: {unreadable}" if unreadable else _state(key, now, zone)
    return key.id, member, key.account, *may, made, holds


def _allowance(key: Key) -> str:
    """Its budget and limits, as they were written."""
    given = (budget_terms(key.budget), limit_terms(key.limits))
    said = [
        f"{name} {value}" for terms in given if terms for name, value in msgspec.to_builtins(terms).items()
    ]
    return ", ".join(said) or "-"


def _narrowing(narrowing: Permissions) -> str:
    if narrowing == EVERYTHING:
        return "-"
    parts = [
        *(_sorted(narrowing.profiles) or ()),
        *(_sorted(narrowing.providers) or ()),
        *(() if narrowing.paid else ("no paid",)),
        *(("lan only",) if narrowing.lan_only else ()),
    ]
    return ", ".join(parts) or "nothing"


def _state(key: Key, now: float, zone: tzinfo) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "for good"
    return "expired" if key.expires_at <= now else f"until {shown(key.expires_at, zone)}"


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
