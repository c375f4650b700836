"""What must not be laid under every request, as nobody could reckon with it."""

from collections.abc import Iterator, Mapping
from typing import cast

from config.findings import Finding, as_list, as_mapping
from config.problems import KeyPath
from domain.conversation.answer_limits import is_limit, limits_in
from domain.conversation.extensions import Json


def extra_bodies(top: Mapping[str, object]) -> Iterator[Finding]:
    """All that is wrong with the fields of `extra_body`; their values are not repeated."""
    for index, provider in enumerate(as_list(top.get("providers"))):
        body = cast("Mapping[str, Json]", as_mapping(as_mapping(provider).get("extra_body")))
        yield from _limits(body, ("providers", index, "extra_body"))


def _limits(body: Mapping[str, Json], path: KeyPath) -> Iterator[Finding]:
    for place, limit in limits_in(body).items():
        if not is_limit(limit):
            hint = "such as 4096; leave it out for none"
            yield Finding((*path, *place), "expected a whole number of tokens, at least 1", hint)
