"""What is measured: one small class an algorithm, and the YAML files that say with which arguments."""
