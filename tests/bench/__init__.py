"""Measurements: `make bench` prints one table with the baselines of the same run."""
