"""The one error an image can cause."""


class ImageError(ValueError):
    """An image can't be used. The message is one sentence: what is wrong, and what to do."""
