"""The shape of the configuration's ``routing`` section, and what decisions make of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from policies.routing.choice import RoutingPolicy
from policies.routing.guaranteed import Guaranteed
from policies.routing.paced import Allowance
from policies.routing.patterns import safe_pattern
from policies.routing.pinned import Pinned
from policies.routing.quality import Quality
from policies.routing.rules import Rule, Span, When
from policies.routing.threshold import Threshold

from .settings_values import Count, Section, Share, Switch, Text, spelled

RoutingPolicyName = Literal[
    "utility", "quality", "threshold", "cascade", "pinned", "guaranteed", "paced"
]
POLICIES: tuple[str, ...] = get_args(RoutingPolicyName)
"""Every routing policy a configuration may name."""

WINDOWS_S = {"hour": 3600.0, "day": 86400.0}

Positive = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Inside = Annotated[float, Field(gt=0, lt=1, strict=True, allow_inf_nan=False)]


class SpanSettings(Section):
    """From ``min`` to ``max``, both included."""

    min: Count | None = None
    max: Count | None = None


class WhenSettings(Section):
    """A condition on a request; `policies.routing.rules.When` says what each key means."""

    tools: Switch | None = None
    images: Switch | None = None
    turns: SpanSettings | None = None
    length: SpanSettings | None = None
    language: tuple[Text, ...] = ()
    domain: tuple[Text, ...] = ()
    matches: Text | None = None
    tenant: tuple[Text, ...] = ()
    user: tuple[Text, ...] = ()
    metadata: Mapping[str, Text] = Field(default_factory=dict)
    all_of: tuple["WhenSettings", ...] = ()
    any_of: tuple["WhenSettings", ...] = ()
    none_of: tuple["WhenSettings", ...] = ()

    @field_validator("matches")
    @classmethod
    def _cannot_hang(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            safe_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> "WhenSettings":
        if not self.model_fields_set:
            raise ValueError("is empty and would hold for every request; give a condition")
        return self

    def build(self) -> When:
        """Return the condition that decisions use."""
        return When(
            tools=self.tools,
            images=self.images,
            turns=None if self.turns is None else Span(self.turns.min, self.turns.max),
            length=None if self.length is None else Span(self.length.min, self.length.max),
            language=self.language,
            domain=self.domain,
            matches=None if self.matches is None else safe_pattern(self.matches),
            tenant=self.tenant,
            user=self.user,
            metadata=tuple(self.metadata.items()),
            all_of=tuple(part.build() for part in self.all_of),
            any_of=tuple(part.build() for part in self.any_of),
            none_of=tuple(part.build() for part in self.none_of),
        )


class RuleSettings(Section):
    """A rule: what fulfils ``when`` goes to ``tier``. The name is for the sentence that says why."""

    name: Text | None = None
    when: WhenSettings
    tier: Text

    def build(self, place: int) -> Rule:
        """Return the rule that decisions use; without a name it is told by its place."""
        return Rule(self.name or f"routing.rules[{place}]", self.when.build(), self.tier)


class GuaranteeSettings(Section):
    """The promise of the ``guaranteed`` policy.

    Attributes:
        loss: Accuracy that may be lost against always asking the dearest tier.
        confidence: Probability with which the promise holds.
        limit: Predicted loss up to which a cheaper tier is taken; ``thinkthrift calibrate`` fits it.
    """

    loss: Inside = 0.01
    confidence: Inside = 0.95
    limit: Annotated[float, Field(ge=-1, le=1, strict=True)] | None = None


class PaceSettings(Section):
    """The allowance of the ``paced`` policy: ``usd`` or ``tokens`` per hour or day (UTC), all replicas together.

    Attributes:
        usd: Dollars.
        tokens: Completion tokens.
        per: The window.
        replicas: Servers that share it; each keeps its part alone while they cannot reach one another.
    """

    usd: Positive | None = None
    tokens: Count | None = None
    per: Literal["hour", "day"] = "day"
    replicas: Count = 1

    @model_validator(mode="after")
    def _is_one_amount(self) -> "PaceSettings":
        if (self.usd is None) == (self.tokens is None):
            raise ValueError("give either usd or tokens")
        return self

    def build(self) -> Allowance:
        """Return the allowance that decisions use."""
        window_s = WINDOWS_S[self.per]
        if self.usd is not None:
            return Allowance(self.usd, window_s, "usd")
        return Allowance(float(self.tokens or 0), window_s, "tokens")


class ShadowSettings(Section):
    """A policy that decides beside the live one on every request, and acts on none."""

    policy: RoutingPolicyName
    dial: Share = 0.5


class SessionSettings(Section):
    """Conversations that only move up; see ``router.sessions``.

    Attributes:
        sticky: ``up`` never lowers a conversation's tier; ``off`` decides every turn for itself.
        ttl_s: Seconds since its last turn after which a conversation begins anew.
    """

    sticky: Annotated[
        Literal["up", "off"],
        BeforeValidator(spelled, json_schema_input_type=Literal["up", "off", False]),
    ] = "up"
    ttl_s: Count = 3600


class RoutingSettings(Section):
    """How a query is sent to a tier.

    Attributes:
        policy: The routing policy of requests that name none.
        dial: 0 cheapest ... 1 best.
        on_classifier_error: ``highest``, ``lowest``, ``reject`` or a tier's name.
        boundaries: For ``threshold``: difficulties in (0, 1), ascending, between neighbouring tiers.
        shares: For ``threshold``: the share of traffic of each tier but the cheapest; ``thinkthrift calibrate``
            turns it into boundaries.
        epsilon: For ``quality``: success that may be given up; absent, the dial says.
        pinned_tier: For ``pinned``; absent, the dial points at a place on the ladder.
        guarantee: For ``guaranteed``.
        pace: For ``paced``.
        rules: What comes before the policy; the first that holds decides.
        explore: Share of decisions drawn by lot, for learning from the log.
        sessions: Whether a conversation may be lowered.
        shadow: What decides beside the policy, for the log and the metrics only.
    """

    policy: RoutingPolicyName = "utility"
    dial: Share = 0.5
    on_classifier_error: Text = "highest"
    boundaries: tuple[Share, ...] | None = None
    shares: Mapping[str, Share] | None = None
    epsilon: Share | None = None
    pinned_tier: Text | None = None
    guarantee: GuaranteeSettings = GuaranteeSettings()
    pace: PaceSettings | None = None
    rules: tuple[RuleSettings, ...] = ()
    explore: Share = 0.0
    sessions: SessionSettings = SessionSettings()
    shadow: ShadowSettings | None = None

    def tuned(self) -> dict[str, RoutingPolicy]:
        """Return the policies with the parameters given here."""
        promise = self.guarantee
        return {
            "threshold": Threshold(self.boundaries),
            "quality": Quality(self.epsilon),
            "pinned": Pinned(self.pinned_tier),
            "guaranteed": Guaranteed(promise.limit, promise.loss, promise.confidence),
        }

    def missing(self) -> list[str]:
        """Return what the policy, and the one in its shadow, need and do not have, one line each."""
        lacks = self._lacks("routing.policy", self.policy)
        if self.shadow is not None:
            lacks += self._lacks("routing.shadow.policy", self.shadow.policy)
        return lacks

    def _lacks(self, key: str, policy: str) -> list[str]:
        calibrate = "run thinkthrift calibrate with your own outcomes"
        if policy == "guaranteed" and self.guarantee.limit is None:
            return [f"{key}: guaranteed needs routing.guarantee.limit; {calibrate}"]
        if policy == "threshold" and self.shares is not None and self.boundaries is None:
            return [f"routing.shares: needs the boundaries that go with them; {calibrate}"]
        if policy == "paced" and self.pace is None:
            return [f"{key}: paced needs routing.pace, for example {{usd: 20, per: day}}"]
        return []


def named_tiers(routing: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return every tier that a raw ``routing`` section names, with the place where it does."""
    found = [("routing.pinned_tier", routing.get("pinned_tier"))]
    shares, rules = routing.get("shares"), routing.get("rules")
    if isinstance(shares, dict):
        found += [(f"routing.shares.{name}", name) for name in shares]
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            found.append((f"routing.rules[{place}].tier", rule.get("tier")))
    return found
