"""Measures the CPU time that the gateway spends on a request, against nginx doing the same work."""
