"""What one learner tells another is what it would say of a new question, not of one it learned."""

from dataclasses import replace

import numpy as np
from sklearn.neural_network import MLPRegressor

from classifier.training.crowds import learn_logits, learn_shares
from classifier.training.dealing import bucket
from classifier.training.estimators import fit_grams
from classifier.training.fit import said_unseen
from classifier.training.matrices import make_matrices
from classifier.training.recipe import Recipe, Share
from tests.classifier.small_world import unlike_questions

QUICK = Recipe(hidden=(16, 8), members=2)


def test_the_ridge_knows_its_own_rows_and_not_those_of_another_fold() -> None:
    questions = unlike_questions(300)
    matrices = make_matrices([question.prompt for question in questions])
    targets = np.random.default_rng(0).standard_normal((300, 3))
    weights = np.ones(300)
    own = fit_grams(matrices, targets, weights, 0.1).predict(matrices.grams)
    unseen = said_unseen(questions, matrices, targets, weights, 0.1)
    assert np.corrcoef(own[:, 0], targets[:, 0])[0, 1] > 0.3
    assert abs(np.corrcoef(unseen[:, 0], targets[:, 0])[0, 1]) < 0.15


def test_a_copy_and_a_translation_stay_in_the_fold_of_their_original() -> None:
    original = unlike_questions(1)[0]
    copy = replace(original, prompt="changed")
    translation = replace(original, id="other", meta={"base_id": original.id})
    assert len(set(bucket([original, copy, translation], "folds").tolist())) == 1
    assert len(set(bucket(unlike_questions(50), "folds").tolist())) > 10


def test_shares_between_right_and_wrong_are_learned() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((600, 4)).astype(np.float32)
    shares = 1 / (1 + np.exp(-np.stack([inputs[:, 0], inputs[:, 1], -inputs[:, 0]], axis=1)))
    crowd = learn_shares(
        inputs, shares.astype(float), np.ones(600), QUICK, epochs=30, share=Share(1.0, 1.0)
    )
    learned = crowd.predict(inputs)
    assert np.abs(1 / (1 + np.exp(-learned)) - shares).mean() < 0.08


def test_logits_are_learned_from_blurred_views_of_every_input() -> None:
    """Two inputs say the same; blurred, a perceptron leans on both in place of either."""
    rng = np.random.default_rng(2)
    first = rng.standard_normal(600)
    inputs = np.stack([first, first], axis=1).astype(np.float32)
    targets = np.stack([first, 2 * first, -first], axis=1)
    crowd = learn_logits(inputs, targets, np.ones(600), QUICK, epochs=15, share=Share(1.0, 1.0))
    one_lost = inputs.copy()
    one_lost[:, 0] = 0.0
    remaining = np.polyfit(first, crowd.predict(one_lost)[:, 0], 1)[0]
    assert 0.3 < remaining < 0.9
    assert np.corrcoef(crowd.predict(inputs)[:, 1], targets[:, 1])[0, 1] > 0.95


def test_weights_are_the_mean_over_the_last_two_thirds_of_the_passes() -> None:
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((300, 4)).astype(np.float32)
    targets = rng.standard_normal((300, 3))
    recipe = replace(QUICK, views=1, members=1)
    crowd = learn_logits(inputs, targets, np.ones(300), recipe, epochs=3, share=Share(1.0, 1.0))
    walker = MLPRegressor(
        hidden_layer_sizes=recipe.hidden,
        alpha=recipe.decay,
        batch_size=256,
        random_state=np.random.RandomState(0),
    )
    path = []
    for _ in range(3):
        walker.partial_fit(inputs, (targets - targets.mean(axis=0)) / targets.std(axis=0))
        path.append(walker.coefs_[0].copy())
    assert np.abs(path[1] - path[2]).max() > 1e-4
    assert np.allclose(crowd.members[0].coefs_[0], (path[1] + path[2]) / 2, atol=1e-6)


def test_another_seed_is_another_fit() -> None:
    rng = np.random.default_rng(4)
    inputs = rng.standard_normal((200, 4)).astype(np.float32)
    given = (inputs, inputs[:, :3].astype(float), np.ones(200))
    said = [
        learn_logits(*given, replace(QUICK, seed=seed), epochs=3, share=Share(1.0, 1.0)).predict(
            inputs
        )
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(said[0], said[1])
    assert np.abs(said[0] - said[2]).max() > 0.01
