"""Methods of the Bot API that change or remove what is already in a chat."""

import time
from collections.abc import Callable
from typing import Any

from service.stubs.telegram_errors import NOT_MODIFIED, bad_request
from service.stubs.telegram_files import StoredFile
from service.stubs.telegram_keyboards import read_markup
from service.stubs.telegram_markup import format_message
from service.stubs.telegram_messages import ChatEvent, ChatMessage
from service.stubs.telegram_parameters import Parameters
from service.stubs.telegram_sending import caption_fields, read_caption, read_media, text_fields
from service.stubs.telegram_updates import DAY_S
from service.stubs.telegram_world import Chat, World

JsonObject = dict[str, Any]

MAX_ANSWER_CHARACTERS = 200
MAX_DELETED = 100
_DELETABLE_S = 2 * DAY_S
_MEDIA = frozenset({"photo", "document", "video", "animation", "audio", "voice", "sticker"})
_TEXT = frozenset({"text", "entities", "link_preview_options"})
_CAPTION = frozenset({"caption", "caption_entities"})


def edit_message_text(world: World, call: Parameters) -> JsonObject:
    """Replace a text message's text and keyboard."""
    chat, message = _find_own(world, call)
    if message.text is None:
        raise bad_request("there is no text in the message to edit")
    formatted = format_message(call.text("text"), call.text("parse_mode"), call.tree("entities"))
    fields = text_fields(formatted)
    if options := call.tree("link_preview_options"):
        fields["link_preview_options"] = options
    return _apply(call, chat, message, _TEXT, fields, html=formatted.html)


def edit_message_caption(world: World, call: Parameters) -> JsonObject:
    """Replace a media message's caption and keyboard."""
    chat, message = _find_own(world, call)
    if message.media is None:
        raise bad_request("there is no caption in the message to edit")
    formatted = read_caption(call)
    fields = caption_fields(formatted)
    return _apply(call, chat, message, _CAPTION, fields, html=formatted.html)


def edit_message_media(world: World, call: Parameters) -> JsonObject:
    """Replace a message's content by a file."""
    chat, message = _find_own(world, call)
    item = call.tree("media")
    if not isinstance(item, dict) or item.get("type") not in _MEDIA:
        raise bad_request("can't parse InputMedia JSON object")
    media, formatted = read_media(world, call, item)
    fields = media.as_field() | caption_fields(formatted)
    replaced = _MEDIA | _TEXT | _CAPTION
    return _apply(call, chat, message, replaced, fields, html=formatted.html, media=media)


def edit_message_reply_markup(world: World, call: Parameters) -> JsonObject:
    """Replace a message's keyboard."""
    chat, message = _find_own(world, call)
    return _apply(call, chat, message, frozenset(), {}, html=message.html)


def delete_message(world: World, call: Parameters) -> bool:
    """Remove one message of the last 48 hours."""
    chat = world.chat(call.text("chat_id"))
    message = chat.messages.get(call.whole("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    if time.monotonic() - message.born_at > _DELETABLE_S * world.time_factor:
        raise bad_request("message can't be deleted for everyone")
    _remove(chat, message)
    return True


def delete_messages(world: World, call: Parameters) -> bool:
    """Remove up to 100 messages; unknown ones are passed over."""
    chat = world.chat(call.text("chat_id"))
    ids = call.tree("message_ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_DELETED:
        raise bad_request("message identifiers are not specified")
    for message_id in ids:
        if message := chat.messages.get(message_id):
            _remove(chat, message)
    return True


def answer_callback_query(world: World, call: Parameters) -> bool:
    """End the progress bar of a pressed button, once."""
    text = call.text("text")
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise bad_request("MESSAGE_TOO_LONG")
    answer: JsonObject = {
        "text": text,
        "show_alert": call.flag("show_alert"),
        "url": call.text("url"),
    }
    question = world.answer("callback", call.text("callback_query_id"), answer)
    chat = question.chat
    event = ChatEvent("callback_answer", chat.chat_id, text=text, show_alert=answer["show_alert"])
    chat.tell(event)
    return True


def _find_own(world: World, call: Parameters) -> tuple[Chat, ChatMessage]:
    """The bot's message a call wants to edit."""
    if call.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = world.chat(call.text("chat_id"))
    message_id = call.whole("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return chat, message


def _apply(
    call: Parameters,
    chat: Chat,
    message: ChatMessage,
    replaced: frozenset[str],
    fields: JsonObject,
    *,
    html: str,
    media: StoredFile | None = None,
) -> JsonObject:
    """Replace fields and the keyboard; an edit that changes nothing is refused."""
    markup = read_markup(call.tree("reply_markup"), is_invoice=message.invoice is not None)
    dropped = replaced | {"reply_markup"}
    raw = {key: value for key, value in message.raw.items() if key not in dropped} | fields
    if markup.inline:
        raw["reply_markup"] = {"inline_keyboard": markup.inline}
    if raw == message.raw:
        raise bad_request(NOT_MODIFIED)
    message.raw = raw | {"edit_date": int(time.time())}
    message.html = html
    message.media = media or message.media
    message.edits += 1
    chat.tell(ChatEvent("edit", chat.chat_id, message))
    return message.raw


def _remove(chat: Chat, message: ChatMessage) -> None:
    del chat.messages[message.message_id]
    chat.tell(ChatEvent("delete", chat.chat_id, message))


METHODS: dict[str, Callable[[World, Parameters], Any]] = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
}
