"""Implementations of the ports: each gateway translates one peer's language, errors included."""
