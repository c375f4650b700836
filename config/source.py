"""Reads YAML into plain data that remembers where each value was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from config.problems import ConfigError, KeyPath, Place, Problem, dotted

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEXT_TAGS = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})
"""A date stays the text that was written: a model may be named like one, and nothing here is one."""
_PARSED_TAGS = frozenset({f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float"})

MAX_VALUES = 100_000
"""Aliases may refer to aliases: without a bound a short file could unfold into more than fits into memory."""

MAX_DEPTH = 64
"""Aliases can nest without the text being nested; what reads the data recurses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """
    A file as plain data (mappings with text keys, lists, scalars), with its places and its faults.

    Attributes:
        places: where each value was written; a key for what has one.
        problems: what is wrong with it as YAML.
        unread: values that could not be read and stand as None; to complain about them again is of no use.
    """

    origin: str
    data: object
    places: Mapping[KeyPath, Place]
    problems: tuple[Problem, ...] = ()
    unread: frozenset[KeyPath] = frozenset()

    def place_of(self, path: KeyPath) -> Place:
        """Where the value was written, or else the nearest thing around it that was."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(origin=self.origin, line=1))


def decode(content: bytes, origin: str) -> str:
    """
    The text of a file, with or without a byte-order mark.

    Raises ConfigError when it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(origin=origin, line=content.count(b"\n", 0, error.start) + 1)
        problem = Problem(place=place, path="", message="not UTF-8 text", hint="save the file as UTF-8")
        raise ConfigError([problem]) from None


def parse(text: str, origin: str) -> Document:
    """
    Reads one YAML document; an empty one is an empty mapping.

    Raises ConfigError when it is not YAML. Faults that leave the rest readable (a duplicate key, an unknown
    tag) are kept in the document, to be told together with all others.
    """
    root = _compose(text, origin)
    if root is None:
        return Document(origin=origin, data={}, places={})
    reader = _Reader(origin)
    data = reader.read(root, ())
    return Document(
        origin=origin,
        data=data,
        places=reader.places,
        problems=tuple(reader.problems),
        unread=frozenset(reader.unread),
    )


def _compose(text: str, origin: str) -> Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        place = Place(origin=origin, line=text.count("\n", 0, error.position) + 1)
        message = "a control character that YAML does not allow"
    except yaml.MarkedYAMLError as error:
        place = _place(origin, error.problem_mark or error.context_mark)
        message = f"not valid YAML: {error.problem or error.context}"
    except RecursionError:
        place, message = Place(origin=origin), "nested too deeply"
    except (yaml.YAMLError, ValueError, OverflowError):
        place, message = Place(origin=origin), "not valid YAML: a number or an escape is out of range"
    raise ConfigError([Problem(place=place, path="", message=message)])


def _is_after_comma(key: Node, value: Node) -> bool:
    """What YAML makes of the 25 in `{daily_usd: 0,25}`: a key with neither a colon nor a value."""
    bare = isinstance(value, ScalarNode) and not value.value and value.style is None
    return isinstance(key, ScalarNode) and str(key.value).isdecimal() and bare


def _place(origin: str, mark: yaml.error.Mark | None) -> Place:
    if mark is None:
        return Place(origin=origin)
    return Place(origin=origin, line=mark.line + 1, column=mark.column + 1)


_DECIMALS = "the decimals of a number take a point, not a comma"


class _Reader:
    """Turns nodes into plain data; knows which nodes it is inside of and how many values it has made."""

    def __init__(self, origin: str) -> None:
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.unread: set[KeyPath] = set()
        self._origin = origin
        self._scalars = SafeConstructor()
        self._inside: set[int] = set()
        self._values = 0

    def read(self, node: Node, path: KeyPath) -> object:
        self.places.setdefault(path, _place(self._origin, node.start_mark))
        self._bound(node, path)
        if id(node) in self._inside:
            return self._unreadable(node, path, "an alias that contains itself")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._inside.add(id(node))
        try:
            return self._collection(node, path)
        finally:
            self._inside.discard(id(node))

    def _bound(self, node: Node, path: KeyPath) -> None:
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            place = _place(self._origin, node.start_mark)
            message = "nested too deeply" if len(path) > MAX_DEPTH else f"more than {MAX_VALUES} values"
            raise ConfigError([Problem(place=place, path="", message=message, hint="check the aliases")])

    def _scalar(self, node: ScalarNode, path: KeyPath) -> object:
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        if node.tag not in _PARSED_TAGS:
            return self._unknown_tag(node, path)
        try:
            value: object = self._scalars.construct_object(node)
        except (ValueError, KeyError, IndexError):
            return self._unreadable(node, path, f"not of the YAML type {node.tag.removeprefix(_TAG)}")
        return value

    def _collection(self, node: Node, path: KeyPath) -> object:
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.read(entry, (*path, index)) for index, entry in enumerate(node.value)]
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        return self._unknown_tag(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            if _is_after_comma(key_node, value_node):
                self._fault(key_node, path, f"{key_node.value} has no value", _DECIMALS)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in mapping:
                self._fault(key_node, (*path, key), f"duplicate key; it is already on line {lines[key]}")
                continue
            lines[key] = key_node.start_mark.line + 1
            self.places[(*path, key)] = _place(self._origin, key_node.start_mark)
            mapping[key] = self.read(value_node, (*path, key))
        for merged in self._merged(node, path):
            self._fill(mapping, merged, path)
        return mapping

    def _fill(self, mapping: dict[str, object], merged: MappingNode, path: KeyPath) -> None:
        """Adds the keys of a `<<` that the mapping does not have itself."""
        self._bound(merged, path)
        if id(merged) in self._inside:
            self._fault(merged, path, "an alias that contains itself")
            return
        aside = _Reader(self._origin)
        aside._inside, aside._values = {*self._inside, id(merged)}, self._values
        values = aside._mapping(merged, path)
        taken = values.keys() - mapping.keys()
        mapping |= {key: value for key, value in values.items() if key in taken}
        depth = len(path)
        self.places |= {at: where for at, where in aside.places.items() if at[depth] in taken}
        self.problems += aside.problems
        self.unread |= aside.unread
        self._values = aside._values

    def _merged(self, node: MappingNode, path: KeyPath) -> Iterator[MappingNode]:
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                continue
            several = isinstance(value_node, SequenceNode)
            for source in value_node.value if several else [value_node]:
                if isinstance(source, MappingNode):
                    yield source
                else:
                    self._fault(source, path, "only mappings can be merged with <<")

    def _key(self, node: Node, path: KeyPath) -> str | None:
        if isinstance(node, ScalarNode) and node.tag in _TEXT_TAGS:
            return str(node.value)
        found = f" {node.value}" if isinstance(node, ScalarNode) else ""
        self._fault(node, path, f"the key{found} is not text", "put it in quotes")
        return None

    def _unknown_tag(self, node: Node, path: KeyPath) -> object:
        tag = node.tag.replace(_TAG, "!!")
        hint = "quote the value or remove the tag"
        return self._unreadable(node, path, f"the YAML tag {tag} means nothing here", hint)

    def _unreadable(self, node: Node, path: KeyPath, message: str, hint: str = "") -> object:
        self.unread.add(path)
        self._fault(node, path, message, hint)
        return None

    def _fault(self, node: Node, path: KeyPath, message: str, hint: str = "") -> None:
        place = _place(self._origin, node.start_mark)
        self.problems.append(Problem(place=place, path=dotted(path), message=message, hint=hint))
