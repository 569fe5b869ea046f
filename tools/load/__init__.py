"""Many edges at once, and how a server, or several behind a proxy, bears it."""
