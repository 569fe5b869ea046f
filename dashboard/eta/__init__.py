"""η, wherever it is set: where it can lie, what it does on a recorded run, and what that means."""
