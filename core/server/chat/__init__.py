"""The server as OpenAI's clients know one: chat completions, with the wish for a crop beside."""
