"""Trains, exports and evaluates the classifier; serving never imports it."""
