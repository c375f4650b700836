"""Stands in where the embedded model is not installed."""

from infrastructure.model_server.child_process import ModelServerUnavailable
from infrastructure.model_server.weights import ModelMissing


class AbsentModelServer:
    """Says what is missing to whoever asks for the model."""

    def __init__(self, missing: ModelMissing) -> None:
        self._missing = missing

    def __repr__(self) -> str:
        return f"AbsentModelServer({self._missing})"

    async def ensure_running(self) -> str:
        raise ModelServerUnavailable(str(self._missing))

    async def aclose(self) -> None:
        """There is nothing to stop."""
