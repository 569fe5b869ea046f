"""Training examples, rendered on the fly from a seed: scenes, strips and eye charts.

Every example is made anew from its index, so training never sees an image twice, needs no disk,
and resumes exactly where it stopped.
"""
