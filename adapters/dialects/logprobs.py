"""How likely tokens were, as servers tell it."""

from typing import Any

from domain.conversation.parts import Logprobs


def read_logprobs(told: Any) -> Logprobs:
    """
    An object for each token, with every field that clients look for.

    Some servers leave out the bytes of a token or the others that might have stood there. What is no list of
    tokens tells nothing.
    """
    if not isinstance(told, list):
        return ()
    return tuple(_whole(token) for token in told if _is_weighed(token))


def _is_weighed(token: Any) -> bool:
    match token:
        case {"token": str(), "logprob": int() | float()}:
            return True
        case _:
            return False


def _whole(token: dict[str, Any]) -> dict[str, Any]:
    others = token.get("top_logprobs")
    told = [_with_bytes(other) for other in others if _is_weighed(other)] if isinstance(others, list) else []
    return _with_bytes(token) | {"top_logprobs": told}


def _with_bytes(token: dict[str, Any]) -> dict[str, Any]:
    return token if isinstance(token.get("bytes"), list) else token | {"bytes": list(token["token"].encode())}
