"""Parts of what the server does in a stage: what comes in, where it looks, what is said."""
