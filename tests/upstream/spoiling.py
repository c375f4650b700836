"""Spoils what real clients and servers said, a little, in any place: whatever stood there may be anything."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, TypeAlias

Path: TypeAlias = tuple[Any, ...]
"""Keys and indices, from the outside in."""

_ANYTHING = (
    "null",
    "true",
    "0",
    "-1",
    "1e308",
    str(2**70),
    '""',
    '"x"',
    '"\\ud800"',
    "[]",
    "{}",
    "[[]]",
    '{"type":"x"}',
    '[{"type":"text"}]',
    "[1]",
    json.dumps("a" * 1000),
)
"""JSON that fits somewhere, and nowhere else."""

_NAMES = ("x_new", "type", "id", "name", "content", "role", "index")


def spoilt(document: Any, random: Random) -> Any:
    """The document with one to three places changed."""
    changed = json.loads(json.dumps(document))
    for _ in range(random.randint(1, 3)):
        places = [place for place in _places(changed) if place]
        if places:
            _spoil(changed, random.choice(places), random)
    return changed


def spoilt_stream(stream: bytes, random: Random) -> bytes:
    """An event stream of which a few frames are changed, lost, doubled, swapped or cut."""
    lines = stream.split(b"\n")
    told = [number for number, line in enumerate(lines) if line.startswith(b"data:") and b"{" in line]
    for _ in range(random.randint(0, 3)):
        if told:
            _spoil_line(lines, random.choice(told), random.choice(told), random)
    whole = b"\n".join(lines)
    return whole[: random.randrange(len(whole))] if random.random() < 0.1 else whole


def _places(value: Any, at: Path = ()) -> Iterator[Path]:
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))


def _spoil(document: Any, place: Path, random: Random) -> None:
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    match random.randrange(5):
        case 0 if isinstance(holder, dict):
            del holder[place[-1]]
        case 1 if isinstance(holder, dict):
            holder[random.choice(_NAMES)] = _anything(random)
        case 1:
            holder.append(_anything(random))
        case 2 if isinstance(holder, list):
            holder.insert(0, json.loads(json.dumps(holder[place[-1]])))
        case _:
            holder[place[-1]] = _anything(random)


def _spoil_line(lines: list[bytes], at: int, other: int, random: Random) -> None:
    match random.randrange(8):
        case 0:
            lines[at] = b""
        case 1:
            lines[at], lines[other] = lines[other], lines[at]
        case 2:
            lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
        case 3:
            lines[at] += b"\n\n" + lines[at]
        case 4:
            lines[at] = lines[at].replace(b'"model":', b'"model":"another","model":')
        case _:
            lines[at] = _with_spoilt_data(lines[at], random)


def _with_spoilt_data(line: bytes, random: Random) -> bytes:
    try:
        told = json.loads(line.removeprefix(b"data:"))
    except ValueError:  # it was cut before
        return line
    return b"data: " + json.dumps(spoilt(told, random)).encode()


def _anything(random: Random) -> Any:
    return json.loads(random.choice(_ANYTHING))
