"""Tool calls, as items of an answer while they are written."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.free_text import Unwrapping
from adapters.dialects.openai_responses.output_item import Object, Place
from adapters.dialects.openai_responses.tool_names import ClientTool, ToolForm, search_arguments


class FunctionCallItem:
    """A call of a function."""

    def __init__(
        self, frames: NumberedFrames, index: int, bare_id: str, call_id: str, tool: ClientTool
    ) -> None:
        self._place = Place(frames, index, f"fc_{bare_id}_{index}")
        self._opening = self._place.delta_opening("response.function_call_arguments.delta", {})
        self._call_id = call_id
        self._tool = tool
        self._pieces: list[str] = []
        self._status = "in_progress"

    def __repr__(self) -> str:
        return f"<FunctionCallItem {self._place.id} {self._status}>"

    @property
    def told(self) -> Any:
        return {
            "id": self._place.id,
            "type": "function_call",
            "status": self._status,
            "call_id": self._call_id,
            **_name(self._tool),
            "arguments": "".join(self._pieces),
        }

    def open(self) -> bytes:
        return self._place.added(self.told)

    def grow(self, arguments: str) -> bytes:
        self._pieces.append(arguments)
        return self._place.delta(self._opening, arguments)

    def close(self, *, cut: bool) -> bytes:
        self._status = "incomplete" if cut else "completed"
        said = {"name": self._tool.name, "arguments": "".join(self._pieces)}
        done = self._place.event("response.function_call_arguments.done", said)
        return done + self._place.done(self.told)


class CustomCallItem:
    """A call of a tool that takes free text; the model wrote it as the one argument of a function."""

    def __init__(
        self, frames: NumberedFrames, index: int, bare_id: str, call_id: str, tool: ClientTool
    ) -> None:
        self._place = Place(frames, index, f"ctc_{bare_id}_{index}")
        self._opening = self._place.delta_opening("response.custom_tool_call_input.delta", {})
        self._call_id = call_id
        self._tool = tool
        self._unwrapping = Unwrapping()
        self._pieces: list[str] = []
        self._status = "in_progress"

    def __repr__(self) -> str:
        return f"<CustomCallItem {self._place.id} {self._status}>"

    @property
    def told(self) -> Any:
        return {
            "id": self._place.id,
            "type": "custom_tool_call",
            "status": self._status,
            "call_id": self._call_id,
            **_name(self._tool),
            "input": "".join(self._pieces),
        }

    def open(self) -> bytes:
        return self._place.added(self.told)

    def grow(self, arguments: str) -> bytes:
        return self._write(self._unwrapping.feed(arguments))

    def close(self, *, cut: bool) -> bytes:
        rest = self._write(self._unwrapping.close())
        self._status = "incomplete" if cut else "completed"
        done = self._place.event("response.custom_tool_call_input.done", {"input": "".join(self._pieces)})
        return rest + done + self._place.done(self.told)

    def _write(self, text: str) -> bytes:
        if not text:
            return b""
        self._pieces.append(text)
        return self._place.delta(self._opening, text)


class SearchCallItem:
    """A search for tools that the client does; told whole, as its arguments are an object."""

    def __init__(
        self, frames: NumberedFrames, index: int, bare_id: str, call_id: str, _tool: ClientTool
    ) -> None:
        self._place = Place(frames, index, f"tsc_{bare_id}_{index}")
        self._call_id = call_id
        self._pieces: list[str] = []
        self._status = "in_progress"

    def __repr__(self) -> str:
        return f"<SearchCallItem {self._place.id} {self._status}>"

    @property
    def told(self) -> Any:
        is_open = self._status == "in_progress"
        return {
            "id": self._place.id,
            "type": "tool_search_call",
            "status": self._status,
            "execution": "client",
            "call_id": self._call_id,
            "arguments": {} if is_open else search_arguments("".join(self._pieces)),
        }

    def open(self) -> bytes:
        return self._place.added(self.told)

    def grow(self, arguments: str) -> bytes:
        self._pieces.append(arguments)
        return b""

    def close(self, *, cut: bool) -> bytes:
        self._status = "incomplete" if cut else "completed"
        return self._place.done(self.told)


CallItem: TypeAlias = FunctionCallItem | CustomCallItem | SearchCallItem

CALL_ITEMS: Mapping[ToolForm, Callable[[NumberedFrames, int, str, str, ClientTool], CallItem]] = {
    ToolForm.FUNCTION: FunctionCallItem,
    ToolForm.CUSTOM: CustomCallItem,
    ToolForm.SEARCH: SearchCallItem,
}
"""A tool's form -> the item that tells a call of it."""


def _name(tool: ClientTool) -> Object:
    return {"name": tool.name} if tool.namespace is None else {"name": tool.name, "namespace": tool.namespace}
