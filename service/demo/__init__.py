"""The demo: the whole bot on one machine, with a person who talks to it in a terminal."""
