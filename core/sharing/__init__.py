"""Many edges on one link, simulated on recorded runs; `python -m core.sharing --help` says more."""
