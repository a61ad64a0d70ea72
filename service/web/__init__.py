"""The HTTP side: Telegram's webhook, KIE's callback, health and metrics. Litestar stays in here."""
