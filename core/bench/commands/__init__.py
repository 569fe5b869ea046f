"""The subcommands of `python -m core.bench`."""
