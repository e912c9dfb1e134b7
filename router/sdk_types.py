"""What the SDK returns for chat completions: the official client's own types, with what the router adds.

They are subclasses, so code written for the ``openai`` package takes them as its own. Importing this loads that package, which
takes most of a second: `sdk` does so when a router is opened, in a thread.
"""

from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk


class Completion(ChatCompletion):
    """An answer.

    Attributes:
        router: What was decided and what it cost; the keys of the body's ``router`` object.
        decision_id: What `Router.feedback` refers to.
    """

    router: dict[str, Any]
    decision_id: str


class Chunk(ChatCompletionChunk):
    """A piece of a streamed answer.

    Attributes:
        router: On the chunk with the finish reason, and on the usage chunk.
        decision_id: What `Router.feedback` refers to.
    """

    router: dict[str, Any] | None = None
    decision_id: str


def completion_of(body: Mapping[str, Any], decision_id: str) -> Completion:
    """Return a reply's body as an object; what upstreams add to it is kept."""
    return Completion.construct(**body, decision_id=decision_id)


def chunk_of(body: Mapping[str, Any], decision_id: str) -> Chunk:
    """Return an event's body as an object."""
    return Chunk.construct(**body, decision_id=decision_id)
