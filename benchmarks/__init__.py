"""A comparison of this package with other libraries: ``python -m benchmarks.run``."""
