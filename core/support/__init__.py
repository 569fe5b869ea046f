"""What the commands of edge, server and page share beside the paper's method.

Nothing here needs more than the standard library.
"""
