"""Any text as PostgreSQL can hold it."""

#: Enough of an error to recognise it.
_LENGTH_MAX = 500


def storable(text: str) -> str:
    """Give a text without NUL and broken surrogates, cut to 500 characters."""
    held = text.encode(errors="replace").decode().replace("\x00", "")
    return held[:_LENGTH_MAX]
