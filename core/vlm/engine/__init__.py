"""A model that answers somewhere else: any engine with OpenAI's chat completions over HTTP."""
