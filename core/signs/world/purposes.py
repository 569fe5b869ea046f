"""Questions that say what a text is for, and not where it stands: "Which street is this?".

People ask so about what they photograph. Where one text is much larger than all others, or there is
but one, it is the answer. Some frames and nouns are kept for the test.
"""

import numpy as np

from core.signs.questions import SceneQuestion
from core.signs.scenes import Scene, Sign

PROMINENT = 1.5  # times the height of all others, least
# {kind} of text, {holder} that it is on.
FRAMES = {
    "train": (
        "What is the {kind}?", "Which {kind} is this?", "What {kind} is this?", "Which {kind}?",
        "What's the {kind} of the {holder}?", "Which {kind} is on the {holder}?",
        "What {kind} does the {holder} have?", "What {kind} do you see on the {holder}?",
        "{kind} of the {holder}?", "{kind}?", "The {kind}, please", "What's the {holder} called?",
        "How is the {holder} called?", "Name of the {holder}?", "What does the {holder} say?",
        "What is printed on the {holder}?", "What has someone painted on the {holder}?",
        "Tell me the {kind}.", "Give me the {kind} of the {holder}.", "Read the {kind}.",
        "I need the {kind} of the {holder}.", "Can you give me the {kind}?",
        "Whose {holder} is it?", "Who made the {holder}?", "How much is the {holder}?",
        "What does the {holder} cost?", "Where does the {holder} go?", "Where am I?",
        "When does the {holder} open?", "What do they sell here?", "What am I told to do?",
        "What is it called?", "What is the {holder} for?", "Which {holder} is it?",
        "What comes next?", "What is written in the image?", "What is written here?",
        "What does it say?", "What does the sign say?",
    ),
    "test": (
        "Which {kind} belongs to the {holder}?", "What has the {holder} for a {kind}?",
        "What stands on that {holder}?", "Do you make out the {kind}?", "Who runs the {holder}?",
        "What would you call the {holder}?", "How far is it?", "What is forbidden here?",
    ),
}  # fmt: skip
KINDS = {
    "train": (
        "name", "number", "title", "brand", "price", "street", "town", "city", "road", "store",
        "company", "word", "registration", "date", "time", "phone number", "address", "slogan",
        "headline", "message", "label", "model", "exit", "gate", "room", "platform", "team",
        "product", "size", "speed limit", "warning", "code", "website", "destination", "village",
        "first word", "last word", "main word", "big word", "bus line", "floor", "amount", "logo",
    ),
    "test": (
        "author", "avenue", "flavor", "serial number", "motto", "department", "total", "make",
        "sort", "club",
    ),
}  # fmt: skip
HOLDERS = {
    "train": (
        "bus", "train", "store", "restaurant", "hotel", "truck", "ship", "bottle", "can", "box",
        "book", "page", "bag", "shirt", "door", "wall", "building", "machine", "ticket", "bill",
        "receipt", "menu", "screen", "clock", "phone", "station", "bench", "van", "plane", "museum",
        "school", "bank", "packet", "card", "cap", "place", "street", "pub", "bakery", "office",
        "magazine", "toy", "tin", "trophy", "medal", "jacket",
    ),
    "test": (
        "tram", "library", "hoodie", "carton", "kiosk", "envelope", "boat", "theatre", "jar",
        "laptop",
    ),
}  # fmt: skip


def prominent(scene: Scene) -> Sign | None:
    """Return the sign that a question without a name is about, the only or by far the largest."""
    ranked = sorted(scene.signs, key=lambda sign: -sign.letter_height)
    if not ranked:
        return None
    if len(ranked) > 1 and ranked[0].letter_height < PROMINENT * ranked[1].letter_height:
        return None
    return ranked[0]


def ask_purpose(rng: np.random.Generator, sign: Sign, split: str) -> SceneQuestion:
    """Ask for what a sign says by what it tells. split: of the frames and nouns.

    Validation, which has none of its own, asks as training does.
    """
    own = split if split in FRAMES else "train"
    frame, kind, holder = (
        choices[own][rng.integers(len(choices[own]))] for choices in (FRAMES, KINDS, HOLDERS)
    )
    text = frame.format(kind=kind, holder=holder)
    return SceneQuestion("text", text, sign.text, (sign.box,), sign.letter_height, "purpose")
