"""What another routing policy would have done on a decision log: the candidate decides again on every logged score.

The estimates are ``policies.routing.offpolicy``'s. A decision of the log takes part if a policy took it, a model was asked, and the
answer came; the rest is left out and counted. Bounds that a request brought along (tiers, policy, dial, money) are not in
the log: the candidate is asked as if there had been none.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from classifier.types import Difficulty
from policies.routing import Routing
from policies.routing.choice import Situation
from policies.routing.expectation import Prospect, prospects
from policies.routing.offpolicy import Answer, Trial, judge
from policies.types import Expected

from .bootstrap import build_routing
from .errors import ConfigError, RouterError
from .log_export import log_lines
from .prices import PriceTable
from .settings import environment, load_settings, settings_from
from .shadow import POLICY_CAUSES

FOLLOWING = {
    "cascade": "what it takes next depends on what the cheap samples say",
    "paced": "what it takes depends on what was spent before",
}
"""Policies that decide by more than the score, so that a log of scores cannot replay them."""

NEEDED = frozenset(
    {"routed", "policy", "propensity", "p_solve", "expected", "cost_usd", "calls", "usage", "rung"}
)
"""Of a line, beside what says whether it takes part."""

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """A decision log, as far as a candidate can be asked about it.

    Attributes:
        decisions: Those that take part, in the order they ended.
        verdicts: The last one of each decision, in [0, 1], by its id.
        left_out: How many take no part, by the reason.
        broken: Numbers of lines that are no line of a log.
    """

    decisions: Sequence[Line]
    verdicts: Mapping[str, float]
    left_out: Mapping[str, int]
    broken: Sequence[int]

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names, cheap to dear."""
        return tuple(self.decisions[-1]["expected"])


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a log says about a candidate.

    Attributes:
        n: Decisions.
        shares: Of the decisions that each tier gets from the candidate, by its name.
        logged_shares: ... and got in the log.
        success: Share of right answers (or mean rating), of the decisions that were judged.
        cost_usd: Per request.
        notes: What to know when reading it.
    """

    n: int
    shares: dict[str, float]
    logged_shares: dict[str, float]
    success: Answer
    cost_usd: Answer
    notes: Sequence[str] = ()


def read_log(file: Path) -> Log:
    """Return what a log holds.

    Raises:
        OSError: If it cannot be read.
        RouterError: If no decision in it can be replayed.
    """
    broken: list[int] = []
    decisions: list[Line] = []
    verdicts: dict[str, float] = {}
    left_out: Counter[str] = Counter()
    for line in log_lines(file, broken):
        if line["type"] == "feedback":
            verdict: Any = line.get("rating", line.get("correct"))
            verdicts[line["decision_id"]] = float(verdict)
        elif why := _unusable(line):
            left_out[why] += 1
        else:
            decisions.append(line)
    newest = decisions[-1]["expected"].keys() if decisions else ()
    used = [line for line in decisions if line["expected"].keys() == newest]
    if len(used) < len(decisions):
        left_out["other tiers than those of the newest decision"] = len(decisions) - len(used)
    if not used:
        told = "; ".join(f"{count} {why}" for why, count in left_out.items()) or "it is empty"
        raise RouterError(f"{file}: no decision that can be replayed: {told}")
    return Log(used, verdicts, left_out, broken)


def _unusable(line: Line) -> str | None:
    """Return why a decision says nothing about a policy, if it does not."""
    if line.get("status") != "ok":
        return "failed or cancelled"
    if line.get("cache") not in ("miss", "bypass"):
        return "answered by the cache"
    if line.get("cause") not in POLICY_CAUSES or not line.get("score"):
        return "not decided by a policy: by the request, a rule, or without a score"
    if not line.keys() >= NEEDED:
        return "without all that a replay needs: another version wrote them"
    if line["policy"] == "cascade":
        # A lot that falls on its own tier is a climb to it: the tier alone had no chance.
        return "decided by cascade, where no tier alone has a propensity"
    return None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy to be asked.

    Attributes:
        routing: Its tiers and parameters.
        whole: The tiers are its own, so what they promise is worked out anew; else the log's predictions stand.
    """

    routing: Routing
    whole: bool

    def wanted(self, line: Line) -> Prospect:
        """Return the tier that the candidate takes."""
        score = _score(line["score"])
        every = tuple(self._prospects(line, score))
        routing = self.routing
        situation = Situation(every, every, score, routing.dial, routing.typical_usd)
        return every[routing.law(routing.policy)(situation).index]

    def _prospects(self, line: Line, score: Difficulty) -> Iterator[Prospect]:
        if self.whole:
            yield from prospects(self.routing.tiers, score, _prompt_tokens(line))
            return
        for tier in self.routing.tiers:
            spend = Expected(**line["expected"][tier.name])
            yield Prospect(tier, line["p_solve"][tier.name], spend, spend.cost_usd)


def propose(file: Path, log: Log) -> Proposal:
    """Return the candidate of a file: a whole configuration, or its ``routing`` section alone.

    Of a section alone the tiers are read off the log.

    Raises:
        ConfigError: If it is no configuration, or its policy cannot be replayed.
    """
    section = _section(file)
    if section is None:
        settings = load_settings(file)
    else:
        settings = settings_from({**_ladder_of(log), **section}, environment())
    policy = settings.routing.policy
    if policy in FOLLOWING:
        raise ConfigError(
            [
                f"routing.policy: {policy} cannot be replayed from a log: {FOLLOWING[policy]}; "
                "try it with evaluate --live, or watch it as routing.shadow"
            ]
        )
    return Proposal(build_routing(settings, PriceTable.load()), whole=section is None)


def replay(log: Log, proposal: Proposal) -> Replayed:
    """Return what the log says about the candidate."""
    success, cost = [], []
    for line in log.decisions:
        wanted = proposal.wanted(line)
        said = log.verdicts.get(line["decision_id"])
        trial = Trial(line["routed"], line["propensity"], wanted.tier.name, wanted.p_solve, said)
        success.append(trial)
        usd = wanted.expected.cost_usd
        cost.append(replace(trial, predicted=usd, outcome=line["cost_usd"]))
    n = len(cost)
    tiers = dict.fromkeys((*log.tiers, *(tier.name for tier in proposal.routing.tiers)))
    wants, took = Counter(t.wanted for t in cost), Counter(t.taken for t in cost)
    return Replayed(
        n,
        {tier: wants[tier] / n for tier in tiers},
        {tier: took[tier] / n for tier in tiers},
        judge(success),
        judge(cost),
        tuple(_notes(log, proposal)),
    )


def _notes(log: Log, proposal: Proposal) -> Iterator[str]:
    for why, count in log.left_out.items():
        yield f"left out {count} decisions: {why}"
    if log.broken:
        yield f"{len(log.broken)} lines are no lines of a decision log; the first is line {log.broken[0]}"
    if not proposal.whole:
        yield (
            "the tiers are read off the log: what a dial of utility is worth is only about right; "
            "give the whole configuration to have it exact"
        )
    if proposal.routing.rules or proposal.routing.explore:
        yield "rules and lots of the candidate are not replayed: its policy alone is"


def _score(line: Line) -> Difficulty:
    return Difficulty(
        difficulty=line["difficulty"],
        p_solve=line["p_solve"],
        thinking_p50=line["thinking_tokens"]["p50"],
        thinking_p90=line["thinking_tokens"]["p90"],
        domain=line["domain"],
        language=line["language"],
        truncated=line["truncated"],
        classifier=line["classifier"],
    )


def _prompt_tokens(line: Line) -> int:
    """Return the tokens of one call's prompt."""
    calls: int = line["calls"]
    tokens: int = line["usage"]["prompt"]
    return round(tokens / max(calls, 1))


def _section(file: Path) -> dict[str, Any] | None:
    """Return what a file holds if that is a routing section alone."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None  # whoever reads it as a configuration says what is wrong with it
    return document if isinstance(document, dict) and document.keys() == {"routing"} else None


def _ladder_of(log: Log) -> dict[str, Any]:
    """Return tiers and models as a configuration, with the prices that the log's expectations imply."""
    rungs = {line["tier"]: line["rung"] for line in log.decisions}
    models, tiers = [], []
    for name in log.tiers:
        spends = [line["expected"][name] for line in log.decisions]
        usd, tokens = (sum(spend[key] for spend in spends) for key in ("cost_usd", "tokens"))
        rung = rungs.get(name) or ("short" if name == log.tiers[0] else "long")
        price = {"output": 1e6 * usd / tokens}
        params = {"model": f"openai/{name}", "api_key": "none"}
        models.append({"model_name": name, "litellm_params": params, "price": price})
        thinking = "off" if rung == "short" else "on"
        tiers.append({"name": name, "rung": rung, "models": [name], "thinking": thinking})
    return {"model_list": models, "tiers": tiers}
