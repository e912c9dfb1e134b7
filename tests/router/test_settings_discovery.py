import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from router.errors import ConfigError
from router.prices import PriceTable
from router.settings import warnings
from router.settings_discovery import PROVIDERS, discover_settings, ollama_address
from router.settings_probe import answers, served_models


def nobody(_: str) -> bool:
    return False


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_one_key_gives_three_priced_tiers_without_a_warning(provider: object) -> None:
    assert isinstance(provider, type(PROVIDERS[0]))
    discovery = discover_settings({provider.key: "sk-secret"}, probe=nobody)
    assert discovery.found == (provider.name,)
    assert warnings(discovery.settings) == []
    tiers = discovery.settings.build_tiers(PriceTable.load())
    assert [tier.rung for tier in tiers] == ["short", "distilled", "long"]
    assert [tier.thinking for tier in tiers] == ["off", "on", "on"]
    assert all(tier.price.output > 0 for tier in tiers)
    assert "sk-secret" not in repr(discovery)


def test_the_first_provider_has_the_tiers_and_the_others_can_be_called_by_name() -> None:
    discovery = discover_settings(
        {"GEMINI_API_KEY": "g", "DEEPSEEK_API_KEY": "d", "ANTHROPIC_API_KEY": "a"}, probe=nobody
    )
    assert discovery.found == ("Anthropic", "Gemini", "DeepSeek")
    used = {name for tier in discovery.settings.tiers for name in tier.models}
    assert all(name.startswith("claude") for name in used)
    assert discovery.settings.model("gemini-2.5-pro") is not None
    assert discovery.settings.model("deepseek-v4-flash") is not None


def test_an_empty_key_is_no_key() -> None:
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        discover_settings({"OPENAI_API_KEY": ""}, probe=nobody)


def test_nothing_found_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="thinkthrift demo") as caught:
        discover_settings({}, probe=nobody)
    assert len(caught.value.problems) == 1


def test_a_local_ollama_serves_every_tier_with_one_free_model() -> None:
    discovery = discover_settings({}, probe=lambda url: url.startswith("http://127.0.0.1:11434/"))
    assert discovery.found == ("Ollama",)
    assert {name for tier in discovery.settings.tiers for name in tier.models} == {"qwen3:8b"}
    assert warnings(discovery.settings) == []


def test_a_local_vllm_is_used_under_the_name_it_serves() -> None:
    def vllm(url: str) -> bool:
        return url == "http://gpu:9000/v1/models"

    env = {"VLLM_BASE_URL": "http://gpu:9000/v1/"}
    discovery = discover_settings(env, probe=vllm, served_models=lambda _: ["r1"])
    model = discovery.settings.model("r1")
    assert model is not None
    assert model.litellm_params.model == "hosted_vllm/r1"
    assert model.litellm_params.api_base == "http://gpu:9000/v1"
    with pytest.raises(ConfigError):
        discover_settings(env, probe=vllm)


def test_two_servers_with_the_same_model_do_not_mix() -> None:
    discovery = discover_settings({}, probe=lambda _: True, served_models=lambda _: ["m"])
    assert discovery.found == ("Ollama", "vLLM")
    assert [model.litellm_params.model for model in discovery.settings.model_list] == [
        "ollama_chat/m"
    ]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box:1234", "http://box:1234"),
        ("https://box:1/", "https://box:1"),
    ],
)
def test_ollama_host_may_be_a_host_a_port_or_a_url(given: str, address: str) -> None:
    assert ollama_address({"OLLAMA_HOST": given}) == address


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {"/v1/models": b'{"data": [{"id": "r1"}, {"id": 3}, 4]}', "/html": b"<html>"}
        body = bodies.get(self.path, b"{}")
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()
        thread.join()


def test_a_server_answers_when_it_gives_json(server: str) -> None:
    assert answers(f"{server}/api/version")
    assert not answers(f"{server}/html")
    assert not answers(f"{server}/absent")
    assert served_models(f"{server}/v1/models") == ("r1",)
    assert served_models(f"{server}/html") == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::bad/", "http://h:port/", "x"])
def test_what_cannot_be_reached_does_not_answer(url: str) -> None:
    assert not answers(url)
