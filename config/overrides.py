"""Values that come from a variable or a flag and take the place of what the file says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from config.findings import as_list, as_mapping
from config.problems import KeyPath, Place
from config.source import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A value for a key path, with the place that gave it."""

    path: tuple[str, ...]
    value: object
    place: Place


def from_flag(flag: str, path: str, value: object) -> Override:
    """
    What a command-line flag says about a key.

    >>> from_flag("--port", "server.port", 9000).path
    ('server', 'port')
    """
    return Override(path=tuple(path.split(".")), value=value, place=Place(origin=f"flag {flag}"))


def mode(name: str, place: Place) -> Override:
    """What takes the place of `default_profile`: a profile or one of the file's `mode_aliases`."""
    return Override(path=("default_profile",), value=name, place=place)


def override(document: Document, overrides: Iterable[Override]) -> Document:
    """The document with the overrides put in, later ones over earlier ones, and their places with them."""
    data, places = document.data, dict(document.places)
    for each in overrides:
        value = _profile_for(each.value, data) if each.path == ("default_profile",) else each.value
        data = _put(data, each.path, value)
        places[each.path] = each.place
    return replace(document, data=data, places=places)


def _put(data: object, path: KeyPath, value: object) -> object:
    """A section that is missing is made; what is there but no mapping stays, to be complained about."""
    if not path:
        return value
    if data is not None and not isinstance(data, dict):
        return data
    section: Mapping[str, object] = as_mapping(data)
    key = str(path[0])
    return {**section, key: _put(section.get(key), path[1:], value)}


def _profile_for(mode_name: object, data: object) -> object:
    names = [as_mapping(profile).get("name") for profile in as_list(as_mapping(data).get("profiles"))]
    if mode_name in names or not isinstance(mode_name, str):
        return mode_name
    return as_mapping(as_mapping(data).get("mode_aliases")).get(mode_name, mode_name)
