"""LaTeX and typographic signs to the plain notation that formulas are read in. What looks, goes; what means, stays."""

import re

from .units import unit_named

_SIGNS = str.maketrans(
    {
        "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "π": r"\pi ", "∞": r"\infty ",
        "²": "^2", "³": "^3", "½": r"\frac12 ", "⅓": r"\frac13 ", "⅔": r"\frac23 ", "¼": r"\frac14 ", "¾": r"\frac34 ",
        "⟨": "(", "⟩": ")", "∣": "|", "∅": "⦃⦄", "\u00a0": " ", "\u202f": " ", "~": " ", "&": " ", "θ": r"\theta ",
        "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ", "μ": r"\mu ", "φ": r"\phi ", "ω": r"\omega ", "ℝ": "(-oo,oo)",
    }
)  # fmt: skip
_WIDE = {ord("！") + i: chr(ord("!") + i) for i in range(94)} | {ord("\u3000"): " ", ord("、"): ","}

_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "pm": "±", "cup": "∪", "bigcup": "∪", "cap": "∩", "in": "∈",
    "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "lt": "<", "gt": ">",
    "ne": "≠", "neq": "≠", "approx": "≈", "simeq": "≈", "lbrace": "⦃", "rbrace": "⦄", "langle": "(", "rangle": ")",
    "lvert": "|", "rvert": "|", "vert": "|", "lfloor": "floor(", "rfloor": ")", "lceil": "ceil(", "rceil": ")",
    "emptyset": "⦃⦄", "varnothing": "⦃⦄", "degree": "°", "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac",
    "quad": " ", "qquad": " ", "displaystyle": " ", "textstyle": " ", "limits": "", "left": "", "right": "",
    "bigl": "", "bigr": "", "big": "", "Big": "", "Bigl": "", "Bigr": "", "lor": " or ", "vee": " or ", "wedge": " and ",
    "land": " and ", "mathrm": "", "mathbf": "", "mathit": "", "boldsymbol": "", "bm": "", "vec": "", "colon": ":",
}  # fmt: skip
_COMMAND = re.compile(rf"\\({'|'.join(sorted(_COMMANDS, key=len, reverse=True))})(?![a-zA-Z])\s?")
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathsf|mbox|rm)\s*\{([^{}]*)\}(\^\{?[23]\}?)?"
)
_REAL = re.compile(r"\\mathbb\s*\{?\s*R\s*\}?")
_SPACING = re.compile(r"\\[,;:! ]|\{,\}(?=\d{3})|\$|\\(?=[%#$])")
_ROW = re.compile(r"\\\\(?:\[[^\]]*\])?|\\cr\b")
_DELIMITERS = re.compile(r"\\[()\[\]]")
_DEGREES = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\circ")
_RADICAL = re.compile(r"√\s*(\d+(?:\.\d+)?|[a-zA-Z])")
_UNIT = re.compile(r"(?<=[\d})\s])\s*\b([a-zA-Z]{2,}(?:\s*/\s*[a-z]+)?\s?(?:\^\s*\{?[23]\}?)?)$")


def half_width(text: str) -> str:
    """Return the text with full-width digits, letters and signs in their ASCII form."""
    return text if text.isascii() else text.translate(_WIDE)


def tidy(text: str) -> str:
    """Return a formula without typesetting and without its unit, in the signs ``structures`` reads."""
    text = half_width(text)
    text = _TEXT.sub(_said, text)
    # Between rows it is a new row; elsewhere it was escaped once too often.
    text = _ROW.sub("⏎", text) if "\\begin" in text else text.replace("\\\\", "\\")
    text = _DELIMITERS.sub(" ", _SPACING.sub("", text.replace(r"\{", "⦃").replace(r"\}", "⦄")))
    text = _DEGREES.sub("°", _REAL.sub("(-oo,oo)", text))
    text = _COMMAND.sub(lambda found: _COMMANDS[found[1]], text)
    text = _RADICAL.sub(r"\\sqrt{\1}", text).replace("√", r"\sqrt").strip(" .")
    if "\\begin" not in text:
        text = text.translate(_SIGNS).strip(" .")
    unit = _UNIT.search(text)
    return text[: unit.start()].rstrip() if unit and unit_named(unit[1]) else text


def _said(found: "re.Match[str]") -> str:
    inner = found[1].strip()
    if inner in ("and", "or", "和", "或"):
        return " or " if inner in ("or", "或") else " and "
    is_last = not found.string[found.end() :].strip(" .$})]\\")
    return (
        "" if is_last and (unit_named(inner) or " " in found[1]) else f" {inner} {found[2] or ''}"
    )
