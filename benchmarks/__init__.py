"""Side-by-side measurements of this package and of other implementations of the same networks.

``python -m benchmarks.run --help`` says how to run them.
"""
