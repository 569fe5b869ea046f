"""What is raised for a run, or a run file, that can't be used."""


class RunError(ValueError):
    """This is not a run, or not one that can be used; the text is one sentence that says why."""


class DamagedError(RunError):
    """This was a run file once, or part of one, and has to be copied or made again."""
