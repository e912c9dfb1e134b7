"""The recipe: every size and strength of the fit, and which rows may teach."""

from dataclasses import dataclass

from classifier.training.licences import Licences


@dataclass(frozen=True, slots=True)
class Share:
    """Weight of a crowd of perceptrons in the sum of all.

    Attributes:
        known: On texts of a known kind.
        new: On texts of no known kind.
    """

    known: float
    new: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and strengths; the defaults are those of the shipped artefact.

    Attributes:
        hidden: Neurons per hidden layer of each perceptron for success.
        members: Perceptrons that are averaged, of each kind.
        views: Copies of a row that one pass over the data shows.
        noise: Deviation of the noise on blurred copies, in deviations of the feature.
        masked: Share of the features of a blurred copy that are set to their mean.
        level_epochs: Passes over the data of those that learn the label of every source.
        rank_epochs: The same of those that learn the order inside sources of varied difficulty.
        answered_epochs: The same of those that learn mostly sources with outcomes.
        decay: L2 penalty of the perceptrons that learn logits.
        share_decay: The same of those that learn shares.
        ridge: L2 penalty of the n-gram heads.
        level_share: Weight of the perceptrons of the first kind in the sum.
        rank_share: The same of the second kind.
        answered_share: The same of the third kind.
        gram_share: Weight of the n-gram logits, on any text.
        mutated: Changed copies of questions that keep their label.
        climbed: Copies of easy asks behind prefixes climbed on a quick model, per round of attack.
        rounds: Rounds of attack.
        prefixes: Prefixes climbed per round.
        glossary: Copies of English questions in pidgin Chinese.
        together: Asks of several questions of one source.
        copy_weight: Weight of a copy against its original.
        constructed: Contest and school-book questions of our own per language, of either kind.
        licences: Which rows may teach.
        seed: Of the copies and of the perceptrons' starts; other ones show how much of a figure is chance.
    """

    hidden: tuple[int, ...] = (64, 32)
    members: int = 3
    views: int = 4
    noise: float = 0.4
    masked: float = 0.1
    level_epochs: int = 15
    rank_epochs: int = 6
    answered_epochs: int = 15
    decay: float = 0.3
    share_decay: float = 0.1
    ridge: float = 1.0
    level_share: Share = Share(known=0.1, new=0.6)
    rank_share: Share = Share(known=0.2, new=0.4)
    answered_share: Share = Share(known=0.9, new=0.3)
    gram_share: float = 0.25
    mutated: int = 15_000
    climbed: int = 1_000
    rounds: int = 3
    prefixes: int = 16
    glossary: int = 6_000
    together: int = 8_000
    copy_weight: float = 0.5
    constructed: int = 60
    licences: Licences = "all"
    seed: int = 0
