"""The server: the protocol's machine with the model, behind HTTP.

`app.create_app` gives the ASGI app; `python -m core.server` serves it alone, and `app.py` beside
the dashboard. SECURITY.md says what it defends itself against.
"""
