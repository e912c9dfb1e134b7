"""Answers that are programs: the last word is what they do, and without running them, how they are built."""

import ast
import re
import warnings
from hashlib import blake2b

_FENCE = re.compile(r"```([\w+#-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_PYTHON = frozenset({"", "python", "py", "python3"})
_LONGEST = 50_000


def program(text: str) -> str | None:
    """Return a fingerprint of the program in ``text``: equal for programs built alike; ``None`` without one.

    The longest fenced block, or the whole text if it is Python. Python is compared by its syntax tree, without
    docstrings, comments and layout; other languages by their lines without indentation and blank lines.
    """
    blocks = [(language.lower(), code) for language, code in _FENCE.findall(text)]
    language, code = max(blocks, key=lambda block: len(block[1]), default=("", text))
    if not code.strip() or len(code) > _LONGEST:
        return None
    if language in _PYTHON and (tree := _tree(code)) is not None:
        return "python:" + _digest(tree)
    if not blocks:
        return None
    lines = [" ".join(line.split()) for line in code.splitlines() if line.strip()]
    return f"{language or 'text'}:" + _digest("\n".join(lines))


def _tree(code: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a sample is not our warning
            tree = ast.parse(code)
            for node in ast.walk(tree):
                if isinstance(
                    node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ):
                    _drop_docstring(node)
            # A lone word or number parses as Python too, and is no program.
            is_program = any(not isinstance(statement, ast.Expr) for statement in tree.body)
            return ast.dump(tree) if is_program else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        node.body = node.body[1:] or [ast.Pass()]


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
