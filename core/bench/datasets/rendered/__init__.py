"""Data sets that are drawn: every sample is made from its split and index, without any file."""
