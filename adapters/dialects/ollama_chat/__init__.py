"""Ollama's own chat API, spoken to upstreams only."""
