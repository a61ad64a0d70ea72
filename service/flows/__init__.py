"""Use cases, one a file: what happens to rows, and which bells are rung for it."""
