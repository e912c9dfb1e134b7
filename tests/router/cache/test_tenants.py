"""Tenants stay apart, whatever they are called, unless all are one on purpose."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.keys import tenant_tag
from router.cache.tenants import Tenants

ODD = [
    "*", "a|b", "a:b", "{x}", "}", "", "a", "A", "a ", "openai/gpt-4o", "a/b", "a%2Fb", "%", "?", "[a]",
    "\u00e9", "e\u0301", "\u0430", "\uff21", "\ud800", "a\0b", "-", ".", "@", "..", "tt:{*", "\u202ea",
]  # fmt: skip
HEADER = b"x-tenant"
names = st.text(max_size=4)


def headers(*values: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-other", b"o"),
        *((HEADER, value.encode("utf-8", "surrogatepass")) for value in values),
    ]


@pytest.mark.parametrize("divided", [Tenants(), Tenants(HEADER)], ids=["by key", "by header, too"])
def test_odd_names_stay_apart(divided: Tenants) -> None:
    found = [divided.of(name, headers()) for name in ODD]
    assert len(set(found)) == len(ODD)
    assert len({tenant_tag(b"s" * 16, tenant) for tenant in found}) == len(ODD)


def test_odd_header_values_stay_apart_under_odd_keys() -> None:
    divided = Tenants(HEADER)
    found = [divided.of(*pair) for pair in itertools.product(ODD, [headers(name) for name in ODD])]
    assert len(set(found)) == len(ODD) ** 2
    assert not set(found) & {divided.of(name, headers()) for name in ODD}


@given(names, st.lists(names, max_size=2), names, st.lists(names, max_size=2))
def test_two_clients_are_one_tenant_only_if_key_and_header_are_the_same(
    one: str, said: list[str], other: str, said_too: list[str]
) -> None:
    divided = Tenants(HEADER)
    same = divided.of(one, headers(*said)) == divided.of(other, headers(*said_too))
    assert same == ((one, said) == (other, said_too))


def test_without_the_setting_a_header_means_nothing() -> None:
    assert Tenants().of("a", headers("b")) == "a"


def test_sharing_is_explicit_and_then_total() -> None:
    assert len({Tenants(HEADER, shared=True).of(name, headers(name)) for name in ODD}) == 1
