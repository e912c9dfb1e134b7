import inspect
import re

import pytest

from router import errors
from router.errors import ApiError, ConfigError, RouterError

CONTRACT = {
    "invalid_request": {400, 413},
    "context_length_exceeded": {400},
    "unauthenticated": {401},
    "forbidden": {403},
    "tier_not_allowed": {403},
    "model_not_found": {404},
    "not_cached": {404},
    "decision_not_found": {404},
    "response_not_found": {404},
    "rate_limited": {429},
    "budget_exceeded": {429},
    "internal": {500},
    "upstream_error": {502},
    "overloaded": {503},
    "classifier_unavailable": {503},
    "upstream_timeout": {504},
}
"""Section 6 of the contract."""

CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, RouterError)
}


def test_the_drawn_tree_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn: list[tuple[int, str]] = [
        (line.index(found[0]) // 4, found[0])
        for line in errors.__doc__.splitlines()
        if (found := re.search(r"\w+Error\b", line)) and (line.startswith(("RouterError", "├", "└", " ", "│")))
    ]  # fmt: skip
    parents: dict[int, str] = {}
    tree: dict[str, str] = {}
    for depth, name in drawn:
        parents[depth] = name
        tree[name] = parents.get(depth - 1, "Exception")
    assert tree == {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_an_error_is_drawn_with_its_own_status_and_code(name: str) -> None:
    kind = CLASSES[name]
    if not issubclass(kind, ApiError) or kind is ApiError:
        return
    assert kind.status in CONTRACT[kind.code]
    line = next(line for line in (errors.__doc__ or "").splitlines() if f" {name} " in line)
    assert line.split()[-2:] == [str(kind.status), kind.code]


def test_every_code_of_the_contract_has_an_error() -> None:
    raised = {kind.code for kind in CLASSES.values() if issubclass(kind, ApiError)}
    assert raised == set(CONTRACT)


@pytest.mark.parametrize(
    "kind", [kind for kind in CLASSES.values() if issubclass(kind, ApiError)], ids=lambda k: k.__name__
)  # fmt: skip
def test_an_error_is_told_in_openais_envelope(kind: type[ApiError]) -> None:
    error = kind("why", param="router.tier")
    told = error.body()["error"]
    assert told == {"message": "why", "type": kind.kind, "param": "router.tier", "code": kind.code}
    assert isinstance(told["code"], str)


def test_a_configuration_error_lists_every_problem() -> None:
    error = ConfigError(["one", "two"])
    assert (str(error), error.problems) == ("one\ntwo", ("one", "two"))
