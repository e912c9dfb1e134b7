"""The ``search`` section of a tier: which test-time strategy, how far it may go, who judges."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

from pydantic import Field

from policies.strategies import STRATEGIES
from policies.types import Row, SearchPlan, Template, VerifierPlan

from .settings_values import Count, Section, Share, Switch, Text

if TYPE_CHECKING:
    StrategyName: TypeAlias = str
    PlanName: TypeAlias = str
else:  # what the registry holds is what a configuration may name
    StrategyName = Literal[tuple(STRATEGIES)]
    PlanName = Literal[(*STRATEGIES, "auto")]

VerifierKind = Literal["judge", "reward", "schema", "self_certainty", "consistency"]
VERIFIERS: tuple[str, ...] = get_args(VerifierKind)


StopRule = Literal["beta", "esc", "first", "certain"]


class VerifierSettings(Section):
    """What judges the samples of a search.

    Attributes:
        kind: ``judge`` asks a model, ``reward`` a scoring endpoint; the others need nobody.
        model: A ``model_name``: the judge (default: the tier's own models), or where the endpoint is.
        accept: Probability from which on an answer is good enough.
        aggregate: Of tree searches, what the scores of a path's steps say together: ``last`` for a model trained on
            outcomes, ``min`` or ``prod`` for one trained on steps.
    """

    kind: VerifierKind
    model: Text | None = None
    accept: Share = 0.9
    aggregate: Literal["last", "min", "prod"] = "last"


class TableRow(Section):
    """One row of the table by which ``auto`` chooses.

    Attributes:
        least_p: The row holds from this probability on that one answer of the tier is right.
        strategy: What to do then.
        n: Samples at most; absent, the strategy's own number.
        stop: Of a vote.
        max_tokens: Completion tokens that all calls together may take beside their thinking budgets.
    """

    least_p: Share
    strategy: StrategyName
    n: Count = 1
    stop: StopRule = "beta"
    max_tokens: Count | None = None

    def plan(self) -> SearchPlan:
        """Return the row's plan."""
        return SearchPlan(self.strategy, self.n, stop=self.stop, max_tokens=self.max_tokens)


class TemplateSettings(Section):
    """A thought template of the user's own; `policies.types.Template` says what each field means."""

    name: Text
    applies: Text
    steps: Annotated[tuple[Text, ...], Field(min_length=1)]
    also: str = ""

    def build(self) -> Template:
        """Return the value that the strategy uses."""
        return Template(self.name, self.applies, self.steps, self.also)


class SearchSettings(Section):
    """The test-time search of a tier; `policies.types.SearchPlan` says what each field means.

    Attributes:
        strategy: Its name, or ``auto``: chosen for each query by how likely the tier is to solve it.
        n: Samples at most; absent, the strategy's own number.
        table: Of ``auto``, in place of the shipped one.
        epsilon: Of ``auto``: take the cheapest plan whose predicted success is within this of the best.
        templates: Of ``templates``, beside the shipped ones.
    """

    strategy: PlanName = "single"
    n: Count = 1
    table: tuple[TableRow, ...] = ()
    epsilon: Share | None = None
    verifier: VerifierSettings | None = None
    stop: StopRule = "beta"
    in_order: Switch = False
    arm: Literal["direct", "short_cot", "draft", "supervised", "no_think", "merge"] | None = None
    width: Count = 4
    depth: Count = 24
    templates: tuple[TemplateSettings, ...] = ()

    def plan(self) -> SearchPlan:
        """Return the section as the plan that strategies read."""
        verifier = self.verifier
        return SearchPlan(
            strategy=self.strategy,
            n=self.n,
            verifier=None
            if verifier is None
            else VerifierPlan(verifier.kind, verifier.model, verifier.accept, verifier.aggregate),
            stop=self.stop,
            in_order=self.in_order,
            arm=self.arm,
            width=self.width,
            depth=self.depth,
            table=tuple(Row(row.least_p, row.plan()) for row in self.table),
            epsilon=self.epsilon,
            templates=tuple(template.build() for template in self.templates),
        )
