"""What must not be laid under every request, as nobody could reckon with it."""

from collections.abc import Iterator, Mapping
from typing import cast

from config.findings import Finding, as_list, as_mapping
from config.problems import KeyPath
from domain.conversation.answer_limits import CHOICE_FIELDS, is_limit, limits_in
from domain.conversation.extensions import Json


def extra_bodies(top: Mapping[str, object]) -> Iterator[Finding]:
    """All that is wrong with the fields of `extra_body`; their values are not repeated."""
    for index, provider in enumerate(as_list(top.get("providers"))):
        body = cast("Mapping[str, Json]", as_mapping(as_mapping(provider).get("extra_body")))
        path: KeyPath = ("providers", index, "extra_body")
        yield from _limits(body, path)
        yield from _choices(body, path)


def _limits(body: Mapping[str, Json], path: KeyPath) -> Iterator[Finding]:
    for place, limit in limits_in(body).items():
        if not is_limit(limit):
            hint = "such as 4096; leave it out for none"
            yield Finding((*path, *place), "expected a whole number of tokens, at least 1", hint)


def _choices(body: Mapping[str, Json], path: KeyPath) -> Iterator[Finding]:
    """Nobody reads more answers than were asked for, and budgets count those that a client asks for."""
    for field in CHOICE_FIELDS:
        if field in body and (isinstance(body[field], bool) or body[field] != 1):
            yield Finding((*path, field), "a client alone says how many answers it wants", "leave it out")
