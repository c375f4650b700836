"""What may not be meant in a configuration that can be served."""

from collections.abc import Iterator

from app.container import Container
from app.state import hindrance
from config.access_advice import access_advice
from config.advice import advice
from config.money_advice import money_advice


def notes(container: Container) -> Iterator[str]:
    """One sentence for each; none of them keeps the gateway from serving."""
    config, table, state = container.launch().config, container.table(), container.state_location()
    for name in sorted(container.directory().without_credential):
        yield f"{name} is left out: its API key is not set: {table.providers[name].secret}"
    if reason := hindrance(state):
        yield f"the state cannot be written at {state}: {reason}"
    yield from advice(config)
    yield from access_advice(config, table.providers)
    yield from money_advice(config, table)
