from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.simulator.embeddings import embed, parse_embedding_request
from loadtest.simulator.request import BadRequestError


def vectors(**fields: Any) -> list[Any]:
    """Return the vectors of one request."""
    raw = orjson.dumps({"model": "sim-embed"} | fields)
    return [item["embedding"] for item in embed(parse_embedding_request(raw))["data"]]


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(1, 100))
def test_a_vector_is_a_function_of_the_text(text: str, dimensions: int) -> None:
    (one,) = vectors(input=text, dimensions=dimensions)
    (again,) = vectors(input=[text], dimensions=dimensions)
    assert one == again
    assert len(one) == dimensions
    assert sum(x * x for x in one) == pytest.approx(1.0) or not any(one)


def test_token_numbers_are_texts_of_their_own() -> None:
    assert len(vectors(input=[1, 2, 3])) == 1
    assert len(vectors(input=[[1, 2], [3]])) == 2


@pytest.mark.parametrize(
    "fields", [{}, {"input": []}, {"input": "x", "dimensions": 5000}, {"input": "x", "model": 1}]
)
def test_a_bad_request_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        vectors(**fields)
