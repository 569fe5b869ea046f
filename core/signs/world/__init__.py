"""The open world: any string, many typefaces, carriers, conditions and ways of asking.

What pocket is trained on from its sixth version on. The closed world, of one list of words and
plain scenes (`core.signs.words`, `core.signs.questions`), is what the `signs-*` data sets hold.
"""
