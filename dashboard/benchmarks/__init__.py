"""The Benchmarks tab: recorded runs, drawn live."""
