"""Published data sets, from their official files or from a mirror: one file a set or family."""
