"""What remembers: a file on this machine, a server for several, or this process alone."""
