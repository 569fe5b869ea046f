"""Who may send a crop over a link that many share: policies, and what they know when they decide.

The simulation (core.sharing) and the server (core.server) decide with the same ones.
"""
