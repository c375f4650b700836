"""From the `members` and `auth` sections to who may ask for what."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from config.problems import ConfigError, KeyPath, Place, Problem, dotted
from config.schema.access import Access, AuthKey
from config.schema.root import Config
from config.translate_admission import limits_by
from config.translate_money import budget_by
from domain.access.keys import Key, Scope
from domain.access.permissions import Permissions

_HASH_LINE = re.compile(r"(?P<id>[a-z0-9]{4,32}) (?P<digest>[0-9a-f]{64})\s*")


def member_permissions(config: Config) -> Mapping[str, Permissions]:
    """What each declared member may do."""
    return MappingProxyType({name: permissions_of(member) for name, member in config.members.items()})


def written_keys(config: Config) -> tuple[Key, ...]:
    """
    The keys that the file names.

    Raises:
        ConfigError: a hash file is missing or is none; all of them are told.
    """
    found = [_key(entry, ("auth", "keys", index)) for index, entry in enumerate(config.auth.keys)]
    problems = [each for each in found if isinstance(each, Problem)]
    if problems:
        raise ConfigError(problems)
    return tuple(each for each in found if isinstance(each, Key))


def hash_line(key_id: str, digest: str) -> str:
    """What a hash file holds."""
    return f"{key_id} {digest}\n"


def permissions_of(access: Access) -> Permissions:
    """What a member or a key may do."""
    return Permissions(
        profiles=None if access.profiles is None else frozenset(access.profiles),
        providers=None if access.providers is None else frozenset(access.providers),
        paid=access.paid,
        lan_only=access.lan_only,
    )


def _key(entry: AuthKey, path: KeyPath) -> Key | Problem:
    file = Path(entry.hash_file).expanduser()
    try:
        match = _HASH_LINE.fullmatch(file.read_text(encoding="ascii"))
    except OSError as error:
        return _unusable(file, path, error.strerror or "cannot be read")
    except UnicodeDecodeError:
        match = None
    if match is None:
        return _unusable(file, path, "is no hash file")
    return Key(
        id=match["id"],
        member=entry.member,
        digest=match["digest"],
        scopes=frozenset(map(Scope, entry.scopes)),
        narrowing=permissions_of(entry),
        budget=budget_by(entry.budget),
        limits=None if entry.limits is None else limits_by(entry.limits),
    )


def _unusable(file: Path, path: KeyPath, message: str) -> Problem:
    return Problem(
        place=Place(origin=str(file)),
        path=dotted((*path, "hash_file")),
        message=message,
        hint="`coderouter keys create MEMBER --hash-file PATH` writes one: an id and a digest",
    )
