"""Typed functions over the named queries; the only code that speaks SQL."""
