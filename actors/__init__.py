"""The Dramatiq worker: one actor for each bell, and the wiring that runs them."""
