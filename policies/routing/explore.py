"""Exploration: a small share of decisions is drawn by lot, so that other policies can be judged on the log. Pure.

Each decision carries the probability with which its tier was taken (its propensity); weighting outcomes by
its inverse estimates what another policy would have reached on the same traffic (arXiv 1103.4601).
"""


def explore(n: int, chosen: int, share: float, draw: float) -> tuple[int, float]:
    """Return the option to take and the probability that it is taken.

    Args:
        n: Options; at least one.
        chosen: The option that the policy takes.
        share: Of decisions that are drawn uniformly from all options, in [0, 1].
        draw: A random number in [0, 1).
    """
    index = min(n - 1, int(draw / share * n)) if draw < share else chosen
    return index, share / n + (1.0 - share) * (index == chosen)
