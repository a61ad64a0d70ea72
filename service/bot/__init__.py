"""The conversation: aiogram routes an update to a handler, which decides and says what to say."""
