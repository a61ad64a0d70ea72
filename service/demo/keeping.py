"""Keeps what the bot delivered, so that it can be looked at outside the terminal."""

from pathlib import Path, PurePath

from service.stubs.telegram_messages import ChatMessage

_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}


def pictures_folder(data_dir: Path) -> Path:
    """Tell where a demo keeps what it delivered."""
    return data_dir / "pictures"


def keep_file(data_dir: Path, message: ChatMessage) -> Path:
    """Write a message's file into the folder; who wrote and which message make its name."""
    media = message.media
    assert media is not None, "only a message with a file is kept"
    folder = pictures_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    found = (suffix for magic, suffix in _SUFFIXES.items() if media.data.startswith(magic))
    suffix = next(found, PurePath(media.name).suffix)
    path = folder / f"{media.kind}-{message.chat_id}-{message.message_id}{suffix}"
    path.write_bytes(media.data)
    return path
