"""Stub servers of the outside world: what KIE_STUB, the demo and the tests share."""
