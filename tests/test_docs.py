"""The Python on the pages, run against the simulator as it stands there."""

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from router import Router
from router.settings import keep_litellm_offline
from tests.e2e.world import UPSTREAM_KEY, ladder, write
from tests.loadtest.simulated import simulator

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STANDS_FOR = {
    '"openai/gpt-5.4"': '"openai/sim-long"',
    '"openai/gpt-5.4-nano"': '"openai/sim-short", api_base="{upstream}/v1", api_key="{key}"',
}
"""What the simulator has in place of a provider's models."""

pytestmark = pytest.mark.filterwarnings("ignore:Item 'summary' on TypedDict:UserWarning")
"""LiteLLM's own types, read by pydantic."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with simulator("--no-delay") as url:
        yield url


@pytest.fixture
def _as_if_at_home(upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where a configuration is."""
    keep_litellm_offline()
    write(ladder(upstream, cache={"url": "off"}), tmp_path / "thinkthrift.yaml")
    monkeypatch.chdir(tmp_path)


def blocks(page: str, upstream: str) -> list[CodeType]:
    """Return a page's examples, compiled where they stand, so that an error names the line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for block in BLOCK.finditer(text):
        code = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        for shown, meant in STANDS_FOR.items():
            code = code.replace(shown, meant.format(upstream=upstream, key=UPSTREAM_KEY))
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        found.append(compile(code, page, "exec", flags, dont_inherit=True))
    return found


@pytest.mark.usefixtures("_as_if_at_home")
def test_the_examples_of_the_sdk_run(upstream: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = blocks("docs/sdk.md", upstream)
    assert len(rest) >= 7
    exec(first, {"__name__": "__main__"})
    assert "The answer is" in capsys.readouterr().out

    async def within_a_router() -> None:
        async with Router.from_config("thinkthrift.yaml") as router:
            for code in rest:
                names = {"router": router}
                done = eval(code, names)
                if inspect.isawaitable(done):
                    await done

    asyncio.run(within_a_router())
    out = capsys.readouterr().out
    assert "400 invalid_request unknown tier" in out
    assert "sim-short" in out
