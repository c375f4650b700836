"""How many tokens a text is."""

from typing import Protocol


class TokenCounter(Protocol):
    """
    Counts without asking anybody. Never waits, never fails, and says the same of the same text.

    Tokenizers differ from each other by a tenth and more: a count is exact for none of them.
    """

    def count(self, text: str) -> int:
        """About as many tokens as a current model makes of the text."""
        ...

    def at_most(self, text: str) -> int:
        """A number of tokens that no model's tokenizer exceeds for this text."""
        ...
