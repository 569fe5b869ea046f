"""Floating-point operations: counted while a model runs, and the estimates of the paper."""
