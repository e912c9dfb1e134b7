"""The canonical form against references: exact fractions and, for what has symbols, sympy's own reading."""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.answers.algebra import equal_expressions
from policies.answers.expressions import Unreadable, read
from policies.answers.numerals import chinese
from policies.answers.structures import spelled, structure
from policies.answers.terms import written


class Sum(NamedTuple):
    """An expression in plain notation and in LaTeX, and what it is."""

    plain: str
    latex: str
    value: sympy.Expr


SIGNS: dict[str, Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def joined(a: Sum, sign: str, b: Sum) -> Sum:
    latex = {
        "*": rf"\left({a.latex}\right) \cdot \left({b.latex}\right)",
        "/": rf"\frac{{{a.latex}}}{{{b.latex}}}",
    }.get(sign, rf"({a.latex}) {sign} ({b.latex})")
    return Sum(f"({a.plain}){sign}({b.plain})", latex, SIGNS[sign](a.value, b.value))


def raised(a: Sum, n: int) -> Sum:
    return Sum(f"({a.plain})^{n}", rf"\left({a.latex}\right)^{{{n}}}", a.value**n)


def leaf(value: object) -> Sum:
    return Sum(
        str(value),
        str(value),
        sympy.Symbol(value) if isinstance(value, str) else sympy.Integer(value),
    )


def sums(leaves: st.SearchStrategy[Sum]) -> st.SearchStrategy[Sum]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(joined, inner, st.sampled_from(sorted(SIGNS)), inner),
            st.builds(raised, inner, st.integers(1, 3)),
        ),
        max_leaves=6,
    )


@given(sums(st.integers(0, 20).map(leaf)))
def test_arithmetic_folds_to_the_fraction_it_is(expression: Sum) -> None:
    assume(expression.value.is_Rational)
    expected = Fraction(int(expression.value.p), int(expression.value.q))
    assert read(expression.plain) == structure(expression.latex) == expected


@given(sums(st.sampled_from(["x", "y", 1, 2, 3]).map(leaf)))
def test_a_formula_keeps_its_value(expression: Sum) -> None:
    point = {"x": sympy.Rational(7, 3), "y": sympy.Rational(-5, 11)}
    expected = expression.value.subs(point)
    assume(expected.is_finite)
    try:
        form = written(read(expression.plain))
    except Unreadable:
        return
    # sympy is the reference here, on text of our own making.
    again = sympy.sympify(form.replace("^", "**"), locals={n: sympy.Symbol(n) for n in point})
    assert again.subs(point) == expected
    assert spelled(structure(expression.latex)) == form


@given(
    sums(st.sampled_from(["x", "y", 1, 2]).map(leaf)), sums(st.sampled_from(["x", 1, 2]).map(leaf))
)
def test_equality_is_what_sympy_expands_to(a: Sum, b: Sum) -> None:
    assume(a.value.is_polynomial() and b.value.is_polynomial())
    same = sympy.expand(a.value - b.value) == 0
    assert equal_expressions(a.plain, b.latex) == equal_expressions(b.plain, a.latex) == same


@given(st.integers(1, 3000), st.integers(2, 4))
def test_roots_are_reduced(n: int, degree: int) -> None:
    root = read(rf"\sqrt[{degree}]{{{n}}}")
    assert abs(float(sympy.sympify(written(root).replace("^", "**"))) - n ** (1 / degree)) < 1e-9
    assert read(f"{n}^(1/{degree})") == root


STRUCTURES = [
    r"\{3,1,2\}", r"[0,1)\cup(2,\infty)", "x=1, y=2", r"1\pm\sqrt2", r"\begin{pmatrix}1\\2\end{pmatrix}", "2x+4y=6", "x<y", r"x\ne3",
    r"\{(1,2),(3,4)\}", r"\log_2 x", r"\log x", "n!", "|x-1|", r"\binom{n}{2}", "-x^2", "x^{-1/2}", r"\frac{x+1}{y}", "x_1+x_{12}", r"\alpha^\beta", r"\varepsilon + \kappa\Omega", r"\arcsin x \cosh y", "(x!)^2",
]  # fmt: skip


@pytest.mark.parametrize("text", STRUCTURES)
def test_a_canonical_form_reads_back_as_itself(text: str) -> None:
    once = structure(text)
    assert structure(spelled(once)) == once


@pytest.mark.parametrize(
    "text",
    ["x/2y", "x2", "01", "2 3", "", "x+", "1/0", "0^0", "(", "\\int x", "1,", r"\sin^{-1} x", "abc def", "__import__('os')", "x.y", "2**3", "lambda: 0",
     "10-15", "2024-01-05", "no", "12:00", "x < 1 or y > 3", "x > 1, y < 3"],
)  # fmt: skip
def test_what_has_no_single_reading_is_not_read(text: str) -> None:
    with pytest.raises(Unreadable):
        structure(text)


def in_chinese(n: int) -> str:
    """The usual way to write a number below 10^8, from the rules, as the reverse of what is tested."""
    if n >= 10_000:
        high, low = divmod(n, 10_000)
        return (
            in_chinese(high)
            + "万"
            + (("零" if low < 1000 else "") + in_chinese(low) if low else "")
        )
    said, zero = "", False
    for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, place)
        if digit:
            said += ("零" if zero and said else "") + "零一二三四五六七八九"[digit] + name
            zero = False
        else:
            zero = True
    return said


@given(st.integers(1, 10**8 - 1))
def test_every_chinese_numeral_is_read(n: int) -> None:
    assert chinese(in_chinese(n)) == n
    assert chinese("负" + in_chinese(n)) == -n
