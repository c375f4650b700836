"""How large the context windows of targets are, as far as that is known."""

from typing import Protocol


class HasModel(Protocol):
    """A provider and the model it is asked for."""

    @property
    def provider(self) -> str: ...

    @property
    def model(self) -> str: ...


class ContextWindows:
    """
    What was learned of windows, in tokens, beside what the configuration and the registry say.

    Of several numbers the smallest counts: a registry knows what a model could do, a server what it was
    started with, and a configuration may want less than either.
    """

    def __init__(self) -> None:
        self._learned: dict[tuple[str, str], int] = {}

    def __repr__(self) -> str:
        return f"<ContextWindows {self._learned}>"

    def of(self, target: HasModel, declared: int | None) -> int | None:
        """The window of a target, of which ``declared`` is known from elsewhere; ``None`` when nothing is."""
        learned = self._learned.get((target.provider, target.model))
        if learned is None or declared is None:
            return declared if learned is None else learned
        return min(learned, declared)

    def learn(self, target: HasModel, tokens: int) -> bool:
        """The upstream has told its window; whether that is news."""
        is_news = self._learned.get((target.provider, target.model)) != tokens
        self._learned[target.provider, target.model] = tokens
        return is_news

    def forget(self, target: HasModel) -> None:
        """What the upstream told does not hold any more."""
        self._learned.pop((target.provider, target.model), None)

    def forget_all(self, provider: str) -> None:
        """The same of every model of a provider."""
        for learned in [each for each in self._learned if each[0] == provider]:
            del self._learned[learned]
