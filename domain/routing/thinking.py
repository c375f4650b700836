"""
How many tokens of an answer a target may think for.

A budget is at least 1,024 tokens and less than the limit of the answer (docs.claude.com, extended thinking);
with interleaved thinking it may be more, so that a client's own choice of both is left to it.
"""

from domain.routing.facts import Facts

LEAST_THINKING_TOKENS = 1024


def fitting_budget(facts: Facts, most_output_tokens: int | None) -> int | None:
    """
    The budget for an answer that may have been shortened; ``None`` where it has no room for thinking.

    It keeps its share of an answer that was long enough for it. Ask only of a request that sets a budget.

    Args:
        most_output_tokens: what the client's limit is lowered to, if it is.
    """
    budget = facts.thinking_budget or 0
    asked = facts.output_limit
    limit = min(asked, most_output_tokens or asked)
    if limit <= budget < asked:
        budget = budget * limit // asked
    if budget >= LEAST_THINKING_TOKENS:
        return budget
    return LEAST_THINKING_TOKENS if limit > LEAST_THINKING_TOKENS else None
