"""OpenAI's older completions, which go on with a text."""
