"""What is computed from runs: curves, intervals, thresholds and their promises."""
