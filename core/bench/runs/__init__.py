"""Run files: what they hold, how they are read and written, and what made them."""
