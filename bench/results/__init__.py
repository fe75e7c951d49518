"""What was measured: result files as ann-benchmarks writes them, and the metrics computed from them."""
