"""Instruments that time one part of the product."""
