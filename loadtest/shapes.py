"""A load that changes over time: a day in two minutes. Add to the locustfile: ``-f loadtest/locustfile.py,loadtest/shapes.py``."""

from locust import LoadTestShape

STAGES = ((20, 8), (50, 32), (60, 128), (90, 32), (120, 4))
"""Until this second, this many users: morning, plateau, spike, recovery, evening."""
SPAWN_PER_S = 32


class DayInTwoMinutes(LoadTestShape):
    """Rises, holds, spikes fourfold, recovers; the spike must not leave errors behind."""

    def tick(self) -> tuple[int, int] | None:
        """Return users and spawn rate for now; None at the end."""
        elapsed_s = float(self.get_run_time())  # type: ignore[no-untyped-call]  # locust is typed in part
        return next(
            ((users, SPAWN_PER_S) for until_s, users in STAGES if elapsed_s < until_s), None
        )
