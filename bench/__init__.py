"""Benchmarks against the peers, in the manner of ann-benchmarks."""
