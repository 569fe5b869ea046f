"""What a question asks about, for croppers that look for that."""

import re

# Words of asking, and of what is asked of a thing: not the thing itself.
ASKING = frozenset(
    """a an and any are as at be by can could did do does for from give has have how in into is it
    its many much name of on or please read reads say says seen show shown shows tell that the their
    there these this those to was were what where which who whose why with word words written
    answer image picture photo letters text visible you""".split()
)


def target(question: str) -> str:
    """Return the words of a question that name what it is about; all of them if none does."""
    words = re.findall(r"\w+(?:[-'’]\w+)*", question)
    named = [word for word in words if word.lower() not in ASKING]
    return " ".join(named or words)
