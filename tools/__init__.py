"""Instruments: they load, fuzz, time and photograph the product, and are no part of it."""
