from typing import Any

import pytest

from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from router.errors import OverloadedError, ResponseNotFoundError
from router.responses import History
from tests.fakes import Clock

SECRET = b"s" * 32


def kept(name: str, text: str = "hi") -> dict[str, Any]:
    """Return a conversation as it is kept."""
    return {"response": {"id": name}, "messages": [{"role": "user", "content": text}]}


async def test_a_response_is_its_tenants_own_and_ends() -> None:
    clock = Clock()
    history = History(NullStore(), SECRET, 60, clock)
    await history.keep("a", kept("resp_1"))
    assert await history.find("a", "resp_1") == kept("resp_1")
    with pytest.raises(ResponseNotFoundError):
        await history.find("b", "resp_1")
    clock.now += 60
    with pytest.raises(ResponseNotFoundError, match="resp_1"):
        await history.find("a", "resp_1")


async def test_a_removed_response_is_gone() -> None:
    history = History(NullStore(), SECRET, 60, Clock())
    await history.keep("a", kept("resp_1"))
    with pytest.raises(ResponseNotFoundError):
        await history.forget("b", "resp_1")
    await history.forget("a", "resp_1")
    with pytest.raises(ResponseNotFoundError):
        await history.forget("a", "resp_1")


async def test_a_process_keeps_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.responses.SHELF_BYTES", 1000)
    history = History(NullStore(), SECRET, 60, Clock())
    for i in range(5):
        await history.keep("a", kept(f"resp_{i}", "x" * 300))
    with pytest.raises(ResponseNotFoundError):
        await history.find("a", "resp_0")
    assert await history.find("a", "resp_4")


async def test_while_the_store_is_down_nobody_can_say() -> None:
    clock = Clock()
    store = RedisStore("redis://127.0.0.1:9", secret=SECRET, clock=clock)
    history = History(store, SECRET, 60, clock)
    await history.keep("a", kept("resp_1"))
    with pytest.raises(OverloadedError, match="does not answer"):
        await history.find("a", "resp_1")
    with pytest.raises(OverloadedError):
        await history.forget("a", "resp_1")
    await store.close()
