"""Who may send a local image over a shared link: policies, and what they know when they decide.

The simulation (core.sharing) and the server (core.server) decide with the same ones.
"""
