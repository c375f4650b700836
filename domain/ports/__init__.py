"""What the application asks of the world; each docstring is a promise that every implementation keeps."""
