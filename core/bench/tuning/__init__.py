"""What of a model's settings can be measured: attention layer, side of the box, thresholds."""
