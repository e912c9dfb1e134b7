"""``single``: one answer, no search. The baseline of every other strategy."""

from policies.ports import Search


async def single(search: Search) -> None:
    """Offer one sample."""
    candidate = await search.sample(0)
    if candidate is None:
        search.stop("budget")
        return
    search.offer(candidate)
    search.stop("done")
