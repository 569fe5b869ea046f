"""Instruments: they load, fuzz, time and photograph the product, and are not part of it."""
