"""What upstream calls need of the outside, and what one request's calls share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from policies.types import Tier
from router.backends.pool import Pool
from router.backends.port import Backend
from router.backends.reward import RewardEndpoint
from router.patience import IDLE_S
from router.ratios import Ratios
from router.trust import Trust

Equal = Callable[[str, str], Awaitable[bool]]


async def never(a: str, b: str) -> bool:
    """Find no two formulas equal that are not spelled alike: what holds without algebra."""
    return False


@dataclass(frozen=True, slots=True)
class World:
    """What calls need of the outside, the same for every request.

    Attributes:
        pool: The models.
        ratios: Corrections of our token counts.
        trust: Which models keep a budget by themselves.
        now: Monotonic seconds.
        cheapest: The tier that answers when nobody else will.
        idle_s: Seconds a stream that has begun may be silent.
        equal: Tells whether two formulas are equal.
        rewards: Reward models that verifiers name, by ``model_name``.
    """

    pool: Pool
    ratios: Ratios
    trust: Trust
    now: Callable[[], float]
    cheapest: Tier
    idle_s: float = IDLE_S
    equal: Equal = never
    rewards: Mapping[str, RewardEndpoint] = field(default_factory=dict)

    def until(self, seconds: float, trace: "Trace") -> float:
        """Return when something that may take ``seconds`` must have ended, by our clock."""
        return min(self.now() + seconds, trace.until)


@dataclass(slots=True)
class Trace:
    """What all upstream calls of one request share beside the ledger: their time, and what happened.

    Attributes:
        until: When the request must be answered, by the world's clock: by whatever tier, sample or second call.
        backend: The model that answered last.
        attempts: Calls begun, retries included.
        waited_s: Seconds spent waiting for upstreams before their first byte.
        unenforced: What the model of the last call could not be told; calls that force an answer aside.
    """

    until: float = inf
    backend: Backend | None = None
    attempts: int = 0
    waited_s: float = 0.0
    unenforced: frozenset[str] = frozenset()
