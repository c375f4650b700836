"""The questions that a rule can put to a request, each a value that answers for itself."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from domain.routing.facts import Facts


class Pattern(Protocol):
    """A regular expression. `fits` ends soon whatever the text, and never raises."""

    def fits(self, text: str) -> bool: ...


class Predicate(Protocol):
    """
    One question.

    Attributes:
        is_need: whether a yes tells what the request cannot do without, as against what it talks about.
    """

    is_need: ClassVar[bool]

    def holds(self, facts: Facts) -> bool: ...


@dataclass(frozen=True, slots=True)
class HasImage:
    """The latest user turn shows a picture."""

    is_need: ClassVar[bool] = True

    def holds(self, facts: Facts) -> bool:
        return facts.has_image


@dataclass(frozen=True, slots=True)
class CodeFenceRatioMin:
    """At least this share of the latest user text is in code fences. Empty text has a share of 0."""

    is_need: ClassVar[bool] = False
    ratio: float

    def holds(self, facts: Facts) -> bool:
        return facts.code_fence_ratio >= self.ratio


@dataclass(frozen=True, slots=True)
class ContentContains:
    """The latest user text holds these characters, in the same case."""

    is_need: ClassVar[bool] = False
    words: str

    def holds(self, facts: Facts) -> bool:
        return self.words in facts.latest_text


@dataclass(frozen=True, slots=True)
class ContentRegex:
    """The pattern is found somewhere in the latest user text."""

    is_need: ClassVar[bool] = False
    pattern: Pattern

    def holds(self, facts: Facts) -> bool:
        return self.pattern.fits(facts.latest_text)


@dataclass(frozen=True, slots=True)
class ModelPattern:
    """The pattern is the whole name of the model; a request without a model never fits."""

    is_need: ClassVar[bool] = True
    pattern: Pattern

    def holds(self, facts: Facts) -> bool:
        return bool(facts.model) and self.pattern.fits(facts.model)


@dataclass(frozen=True, slots=True)
class TokenCountMin:
    """The whole request is estimated at this many tokens or more."""

    is_need: ClassVar[bool] = True
    tokens: int

    def holds(self, facts: Facts) -> bool:
        return facts.has_tokens(self.tokens)


@dataclass(frozen=True, slots=True)
class HasTools:
    """The request offers the model any tool."""

    is_need: ClassVar[bool] = True

    def holds(self, facts: Facts) -> bool:
        return facts.has_tools
