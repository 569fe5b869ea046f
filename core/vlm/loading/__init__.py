"""Checkpoints, from a name to loaded parts: where they are, what they say, whether they fit."""
