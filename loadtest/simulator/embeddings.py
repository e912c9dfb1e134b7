"""Embeddings that anyone can foresee: texts that share words lie close together. No randomness."""

import base64
import hashlib
import struct
from dataclasses import dataclass
from math import sqrt
from typing import Any

import orjson

from loadtest.simulator.request import BadRequestError
from loadtest.simulator.tokens import count_tokens

MODEL = "sim-embed"
DIMENSIONS = 64
MOST_DIMENSIONS = 1024


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What was asked for; ``model`` may hold faults."""

    model: str
    texts: tuple[str, ...]
    dimensions: int
    is_base64: bool


def parse_embedding_request(raw: bytes) -> EmbeddingRequest:
    """Read a request body; token arrays count as the text of their numbers.

    Raises:
        BadRequestError: If it is no JSON object or a field that is used here has the wrong type.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise BadRequestError("'model' must be a string", param="model")
    given = body.get("input")
    texts = [given] if isinstance(given, str) or _are_tokens(given) else given
    if not isinstance(texts, list) or not texts:
        raise BadRequestError("'input' must be a text or a list", param="input")
    dimensions = body.get("dimensions") or DIMENSIONS
    if not isinstance(dimensions, int) or not 0 < dimensions <= MOST_DIMENSIONS:
        raise BadRequestError(f"'dimensions' must be 1 to {MOST_DIMENSIONS}", param="dimensions")
    words = tuple(" ".join(map(str, t)) if isinstance(t, list) else str(t) for t in texts)
    return EmbeddingRequest(
        body["model"], words, dimensions, body.get("encoding_format") == "base64"
    )


def embed(asked: EmbeddingRequest) -> dict[str, Any]:
    """Return the reply: unit vectors, the tokens of all texts as usage."""
    vectors = [_vector(text, asked.dimensions) for text in asked.texts]
    tokens = sum(map(count_tokens, asked.texts))
    return {
        "object": "list",
        "model": asked.model,
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(vector) if asked.is_base64 else vector,
            }
            for index, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _are_tokens(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(t, int) for t in given)


def _vector(text: str, dimensions: int) -> list[float]:
    """Return the sum of one direction per word, of length 1."""
    vector = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        digest = hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest()
        place = int.from_bytes(digest[:4], "big") % dimensions
        vector[place] += 1.0 if digest[4] % 2 else -1.0
    length = sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
