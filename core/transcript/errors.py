"""What isn't a transcript, and the sentence that says so."""


class TranscriptError(ValueError):
    """This is not a transcript; the text is one sentence that names the field at fault."""


def require(condition: bool, where: str, what: str) -> None:
    """Raise TranscriptError, naming the field `where`, unless the condition holds."""
    if not condition:
        raise TranscriptError(f"{where or 'The transcript'} must be {what}.")
