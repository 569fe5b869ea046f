"""Instruments that hold ours against what others have published."""
