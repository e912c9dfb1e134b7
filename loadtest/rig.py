"""Starts what a benchmark needs as processes of their own: the mock upstream, and the proxy in front of it."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from loadtest.clients import LoadError

READY_WITHIN_S = 30.0
_CONFIG = """\
model_list:
  - {{model_name: mock-short, litellm_params: {{model: openai/mock-short, api_base: {url}/v1, api_key: sk-mock}}, price: {{input: 0.1, output: 0.6}}}}
  - {{model_name: mock-distilled, litellm_params: {{model: openai/mock-distilled, api_base: {url}/v1, api_key: sk-mock}}, price: {{input: 0.5, output: 4.4}}}}
  - {{model_name: mock-long, litellm_params: {{model: openai/mock-long, api_base: {url}/v1, api_key: sk-mock}}, price: {{input: 2.0, output: 12.0}}}}
tiers:
  - {{name: short, rung: short, models: [mock-short], thinking: off, max_output_tokens: 1024}}
  - {{name: distilled, rung: distilled, models: [mock-distilled], thinking: on, max_thinking_tokens: 4096, answer_reserve_tokens: 512}}
  - {{name: long, rung: long, models: [mock-long], thinking: on, max_thinking_tokens: 16384, answer_reserve_tokens: 512}}
routing: {{policy: utility, dial: 0.5}}
cache: {cache}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy."""

    url: str
    pid: int
    ready_s: float | None
    config: Path | None = None


@contextmanager
def start_upstream(*options: str, module: str = "loadtest.upstream") -> Iterator[str]:
    """Yield the URL of an upstream process: the mock one, or another module that says its URL in its first line."""
    command = [sys.executable, "-m", module, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  ours
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if "http://" not in line:
                raise LoadError(f"{module} did not start")
            yield line.split()[-1]
        finally:
            process.terminate()


@contextmanager
def start_proxy(
    command: str,
    upstream_url: str,
    port: int,
    *,
    cache: str = "{url: off}",
    workers: int = 1,
    template: str = _CONFIG,
) -> Iterator[Proxy]:
    """Yield a proxy in front of the upstream, once `GET /health/ready` answers 200.

    Args:
        command: The proxy's.
        upstream_url: Where its models are.
        port: 0 takes a free one.
        cache: The section of that name, as YAML in one line.
        workers: Processes that share the port.
        template: The configuration, with ``{url}`` for the upstream and ``{cache}`` for that section.

    Raises:
        LoadError: If it ends or is not ready within `READY_WITHIN_S`; its output is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "thinkthrift.yaml"
        config.write_text(template.format(url=upstream_url, cache=cache), encoding="utf-8")
        log = Path(folder) / "proxy.log"
        port = port or _free_port()
        started = time.monotonic()
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603  the command is the caller's own
                [
                    *shlex.split(command),
                    "serve",
                    "--config",
                    str(config),
                    "--port",
                    str(port),
                    "--workers",
                    str(workers),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"XDG_STATE_HOME": folder},
            ) as process,
        ):
            try:
                while not _is_ready(f"http://127.0.0.1:{port}"):
                    if process.poll() is not None or time.monotonic() - started > READY_WITHIN_S:
                        raise LoadError(
                            f"the proxy did not get ready:\n{log.read_text(errors='replace')[-2000:]}"
                        )
                    time.sleep(0.01)
                yield Proxy(
                    f"http://127.0.0.1:{port}", process.pid, time.monotonic() - started, config
                )
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/health/ready", timeout=2) as response:  # noqa: S310  an address of ours
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
