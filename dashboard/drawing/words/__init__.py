"""Sentences and terms of the page, and what they mean in plain words."""
