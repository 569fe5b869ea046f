"""What a new checkpoint of pocket needs before it is shipped: `python -m tools.release`."""
