"""Changes a request of this dialect where its target needs that, and leaves all other bytes alone."""

import msgspec

from adapters.dialects.fields import decoded
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from domain.routing.betas import without
from domain.routing.shaping import ATTRIBUTION, Omission, Shaping, unattributed

_blocks = msgspec.json.Decoder(list[msgspec.Raw])


def reshaped(members: JsonMembers, shaping: Shaping) -> dict[str, bytes | None]:
    """The members that change; past thinking stands too deep in the body and is not among them."""
    changes: dict[str, bytes | None] = {}
    if Omission.ATTRIBUTION in shaping.omits:
        changes |= _without_attribution(members)
    if Omission.THINKING_REQUEST in shaping.omits and "thinking" in members:
        changes["thinking"] = None
    elif shaping.thinking_budget is not None:
        changes |= _thinking_for(members, shaping.thinking_budget)
    if shaping.without_fields:
        changes |= _without_fields(members, shaping.without_fields)
    if shaping.most_output_tokens is not None:
        changes |= _bounded(members, shaping.most_output_tokens)
    return changes


def _without_attribution(members: JsonMembers) -> dict[str, bytes | None]:
    system = members.raw("system")
    if system is None or ATTRIBUTION.encode() not in memoryview(system)[:200].tobytes():
        return {}
    if bytes(system).startswith(b'"'):
        text = decoded(system, "system")
        left = unattributed(text)
        return {} if left == text else {"system": json_text(left) if left.strip() else None}
    first, *rest = _blocks.decode(system)
    blocks = [*_unattributed_block(first), *map(bytes, rest)]
    return {"system": b"[" + b",".join(blocks) + b"]" if blocks else None}


def _unattributed_block(raw: msgspec.Raw) -> list[bytes]:
    block = decoded(raw, "system[0]")
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, str) or (left := unattributed(text)) == text:
        return [bytes(raw)]
    return [json_text({**block, "text": left})] if left.strip() else []


def _thinking_for(members: JsonMembers, tokens: int) -> dict[str, bytes | None]:
    asked = members.value("thinking")
    return {"thinking": json_text({**asked, "budget_tokens": tokens})} if isinstance(asked, dict) else {}


def _without_fields(members: JsonMembers, fields: frozenset[str]) -> dict[str, bytes | None]:
    names = {name for field in fields if (name := field.partition(".")[0]) in members}
    said = {name: members.value(name) for name in names}
    kept = without(said, fields)
    return {
        name: json_text(kept[name]) if name in kept else None
        for name in names
        if name not in kept or kept[name] != said[name]
    }


def _bounded(members: JsonMembers, most: int) -> dict[str, bytes | None]:
    raw = members.raw("max_tokens")
    limit = None if raw is None else decoded(raw, "max_tokens")
    return {"max_tokens": b"%d" % most} if isinstance(limit, int) and limit > most else {}
