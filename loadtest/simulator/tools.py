"""Function calling: a simulated model calls a tool when the question names one, and tells what the tool said. Pure.

A tool is named by a word of its name, of four letters or more. Its arguments are found in the question by the type of
each parameter; several values for one parameter are so many calls, unless parallel calls are switched off.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.simulator.arithmetic import read_problem

NO_WORDS = frozenset({"find", "make", "search", "tool", "what", "with"})
_EXPRESSION = re.compile(r"[\d(][\d\s+*()-]*[\d)]")
_NAME = re.compile(r"(?<=\w )[A-Z][a-z]+(?: [A-Z][a-z]+)*")
_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the caller offers; `properties` are the parameters of its schema."""

    name: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a request says about tools.

    Attributes:
        choice: `auto`, `none`, `required`, or the name of the tool that must be called.
        parallel: More than one call may be made at once.
    """

    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; `arguments` is the text of a JSON object."""

    index: int
    name: str
    arguments: str

    def opening(self) -> dict[str, Any]:
        """Return the part of a delta that names the call; its arguments follow."""
        function = {"name": self.name, "arguments": ""}
        call_id = f"call_{self.index}_{self.name}"
        return {"index": self.index, "id": call_id, "type": "function", "function": function}

    def piece(self, text: str) -> dict[str, Any]:
        """Return the part of a delta with some more of the arguments."""
        return {"index": self.index, "function": {"arguments": text}}


def add_pieces(message: dict[str, Any], pieces: Sequence[Mapping[str, Any]]) -> None:
    """Add what a delta says of tool calls to a whole message."""
    calls = message.setdefault("tool_calls", [])
    for piece in pieces:
        if "id" in piece:
            calls.append({name: value for name, value in piece.items() if name != "index"})
        else:
            calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]


def read_toolbox(body: Mapping[str, Any]) -> Toolbox:
    """Return what a request body says about tools; what is malformed is no tool."""
    tools = body.get("tools")
    functions = [
        function
        for tool in (tools if isinstance(tools, list) else ())
        if (function := _object(_object(tool).get("function")))
    ]
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        choice = _object(choice.get("function")).get("name") or "required"
    return Toolbox(
        tuple(
            Tool(str(f.get("name")), _object(_object(f.get("parameters")).get("properties")))
            for f in functions
        ),
        str(choice),
        body.get("parallel_tool_calls") is not False,
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def calls_for(box: Toolbox, question: str) -> tuple[ToolCall, ...]:
    """Return the calls that a question leads to; none if it names no tool."""
    if box.choice == "none":
        return ()
    named = [
        tool for tool in box.tools if box.choice in ("auto", "required") or tool.name == box.choice
    ]
    wanted = [tool for tool in named if _is_named(tool, question)]
    if not wanted and box.choice != "auto":
        wanted = named[:1]
    asked = [(tool, given) for tool in wanted for given in _arguments(tool, question)]
    return tuple(
        ToolCall(i, tool.name, json.dumps(given))
        for i, (tool, given) in enumerate(asked if box.parallel else asked[:1])
    )


def _is_named(tool: Tool, question: str) -> bool:
    words = set(re.findall(r"[a-z]{4,}", tool.name.lower())) - NO_WORDS
    said = question.lower()
    return any(word in said or word.removesuffix("or") in said for word in words)


def _arguments(tool: Tool, question: str) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each call: as many as the parameter with the most values has."""
    values = {name: _values(_object(schema), question) for name, schema in tool.properties.items()}
    for i in range(max(map(len, values.values()), default=1)):
        yield {name: found[min(i, len(found) - 1)] for name, found in values.items()}


def _values(schema: Mapping[str, Any], question: str) -> Sequence[Any]:
    """Return what the question says for one parameter; at least one value."""
    if options := schema.get("enum"):
        return [next((o for o in options if str(o).lower() in question.lower()), options[0])]
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return [int(found) for found in _NUMBER.findall(question)] or [0]
    if kind == "boolean":
        return [True]
    if kind in ("array", "object"):
        return [[] if kind == "array" else {}]
    expression = _EXPRESSION.search(question) if read_problem(question) else None
    return [expression[0].strip()] if expression else _NAME.findall(question) or [question]
