"""A page on which a phone is the edge: the edge of `core.edge` again, in a browser.

It needs no framework and no network but this server. What it computes is in modules without a
page, which node tests: the fit, the pixels, the messages, and the client with its retries.
"""
