"""Kartina: a Telegram bot that sells AI pictures, where a row is the truth and a message a bell."""
