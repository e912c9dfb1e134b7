"""What holds for the whole house, checked on its files."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PACKAGES = ("router", "classifier", "policies", "loadtest")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

ROOT_ENTRIES = {
    "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "CONTRIBUTING.md", ".gitignore",
    ".pre-commit-config.yaml", *PACKAGES, "tests", "docs", "deploy", ".ci",
}  # fmt: skip

LAZY = ("litellm", "onnxruntime", "sklearn", "openai", "locust")
"""Import costs seconds or memory; nobody pays before it is needed."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements() -> list[Requirement]:
    told = project()
    lists = [
        told["build-system"]["requires"],
        told["project"]["dependencies"],
        *told["project"]["optional-dependencies"].values(),
        *told["dependency-groups"].values(),
    ]
    every = [Requirement(line) for lines in lists for line in lines]
    return [wanted for wanted in every if wanted.name != told["project"]["name"]]


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name_of)
def test_a_file_fits_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_is_named_for_what_it_does(path: Path) -> None:
    names = name_of(path).removesuffix(".py").replace("/", "_").split("_")
    assert not {"util", "utils", "helper", "helpers", "manager", "managers", "misc"} & set(names)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if not name_of(path).startswith("loadtest")], ids=name_of
)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    brought = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }
    touched = (read | brought) & {"environ", "environb", "getenv", "putenv"}
    assert not touched or name_of(path) == "router/settings.py"


def test_the_root_holds_what_a_visitor_expects_and_no_more() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what was unpacked beside the sources is not ours")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    entries = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert entries <= ROOT_ENTRIES


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_claims_our_import_name(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {"thinkthrift"}


@pytest.mark.parametrize("wanted", requirements(), ids=lambda wanted: wanted.name)
def test_a_dependency_is_bounded_below_and_above(wanted: Requirement) -> None:
    operators = {bound.operator for bound in wanted.specifier}
    assert operators >= {">=", "<"}


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8"])
def test_the_poisoned_releases_of_litellm_are_out_of_bounds(version: str) -> None:
    bounds = [wanted.specifier for wanted in requirements() if wanted.name == "litellm"]
    assert bounds
    assert not any(bound.contains(Version(version), prereleases=True) for bound in bounds)


def test_the_installed_litellm_starts_nothing_by_itself() -> None:
    installed = files("litellm")
    assert installed
    assert not [path for path in installed if path.suffix == ".pth"]


QUIET_IMPORT = """
import sys, time
touched = []
def watch(event, details):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen"):
        touched.append(event)
    elif event == "open" and isinstance(details[1], str) and set(details[1]) & set("wax+"):
        touched.append(str(details[0]))
sys.dont_write_bytecode = True
sys.addaudithook(watch)
begun = time.perf_counter()
import {module}
took = time.perf_counter() - begun
print(took, [name for name in {lazy} if name in sys.modules], touched, sep="|")
"""


@pytest.mark.parametrize(
    ("module", "within_s", "lazy"),
    [
        ("router", 0.5, (*LAZY, "aiohttp", "fastapi", "numpy")),
        ("policies.routing", 1.0, (*LAZY, "aiohttp", "fastapi", "numpy", "pydantic")),
        ("router.cli", 5.0, LAZY),
    ],
)
def test_importing_is_quick_and_opens_nothing(
    module: str, within_s: float, lazy: tuple[str, ...]
) -> None:
    code = QUIET_IMPORT.format(module=module, lazy=lazy)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    took, heavy, touched = done.stdout.strip().split("|")
    assert float(took) < within_s
    assert (heavy, touched) == ("[]", "[]")
