"""From a name to a loaded checkpoint: where it is, what it says of itself, whether it fits."""
