"""An η with a promise: bounds, the thresholds that keep them, and their certificates."""
