"""Benchmarks: each prints ratios against a peer measured in the same run. Run one as `python -m tests.benchmarks.NAME`."""
