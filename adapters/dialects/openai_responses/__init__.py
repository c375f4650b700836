"""OpenAI Responses: the dialect of Codex and of OpenAI's newer SDK calls."""
