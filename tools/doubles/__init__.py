"""Doubles that tests and instruments share: models without training, runs without a model."""
