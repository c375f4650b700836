"""Shows a client the model name that it used."""

import msgspec

_json = msgspec.json.Encoder().encode


class ModelName:
    """Puts the name that the client used where the upstream wrote the real one."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._candidates: tuple[bytes, ...] = ()
        self._found = b""
        self._replacement = b""

    def learn(self, real: str) -> None:
        """Servers differ in the space after the colon, and in whether they escape a slash."""
        if not real or self._shown in {"", real}:
            return
        name = _json(real)
        spellings = dict.fromkeys((name, name.replace(b"/", b"\\/")))
        self._candidates = tuple(b'"model":' + space + spelt for spelt in spellings for space in (b"", b" "))
        self._replacement = b'"model":' + _json(self._shown)

    def replaced_in(self, data: bytes) -> bytes:
        """
        The frames under the other name.

        Text cannot be hit: within a JSON string each quote stands behind a backslash.
        """
        if not self._found:
            self._found = next((token for token in self._candidates if token in data), b"")
        return data.replace(self._found, self._replacement) if self._found else data
