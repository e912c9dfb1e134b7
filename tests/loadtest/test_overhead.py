"""The benchmark's parts: the mock upstream, the load generator, the reading of /proc, the command."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from loadtest import overhead
from loadtest.clients import LoadError, run_load
from loadtest.processes import cpu_s, has_litellm, rss_mb
from loadtest.workloads import prompts, raw_requests


@pytest.fixture(scope="module")
def upstream() -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "loadtest.upstream", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1], process.pid
        process.terminate()


async def test_the_mock_upstream_answers_whole_and_in_a_hundred_chunks(
    upstream: tuple[str, int],
) -> None:
    url = f"{upstream[0]}/v1/chat/completions"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"model": "m", "messages": []}) as response:
            assert (await response.json())["choices"][0]["message"]["content"]
        async with session.post(url, json={"model": "m", "stream": True}) as response:
            events = (await response.read()).decode().strip().split("\n\n")
    chunks = [orjson.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert events[-1] == "data: [DONE]"
    assert sum("content" in c["choices"][0]["delta"] for c in chunks[1:-1]) == 100
    assert chunks[-1]["usage"]["completion_tokens"] == 100


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_load_generator_gets_every_request_answered(
    upstream: tuple[str, int], *, stream: bool
) -> None:
    address = urlsplit(upstream[0])
    requests = raw_requests(101, host=address.netloc, model="auto", stream=stream, seed=1)
    run = await run_load(str(address.hostname), int(address.port or 0), requests, concurrency=8)
    assert run.n == 101
    assert 0 < run.p50_ms < 1000


async def test_an_answer_that_is_no_success_stops_the_run(simulator_url: str) -> None:
    address = urlsplit(simulator_url)
    requests = raw_requests(3, host=address.netloc, model="no-such-model", stream=False, seed=1)
    with pytest.raises(LoadError, match="404"):
        await run_load(str(address.hostname), int(address.port or 0), requests, concurrency=1)


def test_no_two_requests_of_a_run_are_alike() -> None:
    assert len(set(raw_requests(500, host="h", model="auto", stream=False, seed=1))) == 500
    assert [next(prompts(Random(1))) for _ in range(3)] == [next(prompts(Random(1)))] * 3


def test_a_process_that_works_is_seen_to_use_the_processor_and_memory() -> None:
    code = "x = bytearray(30_000_000); input()\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        before = cpu_s(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.4)
        assert cpu_s(process.pid) - before >= 0.1
        assert 30 < rss_mb(process.pid) < 100
        assert not has_litellm(process.pid)
        process.kill()


def test_the_benchmark_prints_figures_and_verdicts(
    upstream: tuple[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, pid = upstream
    report = tmp_path / "report.json"
    options = [
        "--url",
        url,
        "--pid",
        str(pid),
        "--rounds",
        "1",
        "--requests",
        "160",
        "--json",
        str(report),
    ]
    overhead.main(options)
    out = capsys.readouterr().out
    assert "litellm not loaded: pass" in out
    assert "100 chunks, 32" in out
    assert len(orjson.loads(report.read_bytes())["costs"]) == 4


def test_it_starts_the_proxy_itself_and_times_its_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "proxy.py"
    script.write_text(
        'import sys\nfrom loadtest.upstream import main\nmain(["--port", sys.argv[sys.argv.index("--port") + 1]])'
    )
    report = tmp_path / "report.json"
    command = f"{sys.executable} {script}"
    assert (
        overhead.main(
            ["--command", command, "--rounds", "1", "--requests", "80", "--json", str(report)]
        )
        == 0
    )
    assert "ready after" in capsys.readouterr().out
    assert 0 < orjson.loads(report.read_bytes())["ready_s"] < 2


def test_a_proxy_that_does_not_start_is_reported_with_its_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert overhead.main(["--command", f"{sys.executable} -m json.no_such_module"]) == 1
    assert "no_such_module" in capsys.readouterr().err
