"""Trains, exports and evaluates the classifier; serving never imports it."""

from classifier.training.dataset import DataError
from classifier.training.evaluate import evaluate
from classifier.training.recipe import Recipe
from classifier.training.run import run

__all__ = ["DataError", "Recipe", "evaluate", "run"]
