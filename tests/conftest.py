"""For every test: no provider's key, no local model server, a state directory of its own."""

import shutil
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from router.backends.direct import COMPATIBLE
from router.settings_discovery import PROVIDERS

settings.register_profile("house", deadline=None)  # other work may share the machine
settings.load_profile("house")

NOBODY = "http://127.0.0.1:9"
"""Nothing listens on the discard port: a developer's own Ollama or vLLM must not be found."""


@pytest.fixture(scope="session", autouse=True)
def _scrubbed_environment() -> Iterator[None]:
    keys = {provider.key_variable for provider in COMPATIBLE.values()}
    keys |= {provider.key for provider in PROVIDERS}
    state = tempfile.mkdtemp(prefix="tt-")  # short: Unix sockets lie in it
    with pytest.MonkeyPatch.context() as patch:
        for key in (*keys, "OLLAMA_MODEL", "VLLM_MODEL"):
            patch.delenv(key, raising=False)
        patch.setenv("OLLAMA_HOST", NOBODY)
        patch.setenv("VLLM_BASE_URL", f"{NOBODY}/v1")
        patch.setenv("XDG_STATE_HOME", state)
        yield
    shutil.rmtree(state, ignore_errors=True)
