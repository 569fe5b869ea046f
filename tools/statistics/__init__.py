"""Instruments that try the statistics: coverage of intervals, promises on other splits."""
