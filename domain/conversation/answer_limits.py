"""Under which names a body says how many answers there may be, of what length."""

from collections.abc import Mapping

from domain.conversation.extensions import Json

LIMIT_FIELDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Of OpenAI's completions and Anthropic, of OpenAI's chat, and of its responses."""

OPTIONS, LIMIT_OPTION = "options", "num_predict"
"""Where Ollama has it: https://github.com/ollama/ollama/blob/main/docs/modelfile.md."""

CHOICE_FIELDS = ("n", "best_of")
"""Of so many answers each may be that long; of the second only the best are shown."""


def limits_in(body: Mapping[str, Json]) -> Mapping[tuple[str, ...], Json]:
    """All that is said of it in a body of any dialect, by its place."""
    limits: dict[tuple[str, ...], Json] = {(field,): body[field] for field in LIMIT_FIELDS if field in body}
    options = body.get(OPTIONS)
    if isinstance(options, Mapping) and LIMIT_OPTION in options:
        limits[OPTIONS, LIMIT_OPTION] = options[LIMIT_OPTION]
    return limits


def is_limit(value: Json) -> bool:
    """Whether it is a number of tokens that an answer may have."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
