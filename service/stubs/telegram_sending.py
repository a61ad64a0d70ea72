"""Methods of the Bot API that put something new into a chat."""

from collections.abc import Callable
from typing import Any

from service.stubs.telegram_errors import bad_request
from service.stubs.telegram_files import StoredFile
from service.stubs.telegram_keyboards import Markup, read_markup
from service.stubs.telegram_markup import (
    MAX_TEXT_UNITS,
    FormattedText,
    count_units,
    format_caption,
    format_message,
    format_text,
)
from service.stubs.telegram_messages import ChatEvent, ChatMessage
from service.stubs.telegram_parameters import Parameters, as_text
from service.stubs.telegram_world import Chat, World

JsonObject = dict[str, Any]
Method = Callable[[World, Parameters], Any]

_ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "upload_document",
        "record_voice",
        "upload_voice",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
_ALBUM_KINDS = frozenset({"photo", "video", "document", "audio"})
_ALONE_KINDS = frozenset({"document", "audio"})
_MIN_ALBUM, _MAX_ALBUM = 2, 10


def send_message(world: World, call: Parameters) -> JsonObject:
    """Put a text into a chat."""
    chat = world.open_chat(call.text("chat_id"))
    formatted = format_message(call.text("text"), call.text("parse_mode"), call.tree("entities"))
    fields = text_fields(formatted)
    if options := call.tree("link_preview_options"):
        fields["link_preview_options"] = options
    return put(world, call, chat, fields, html=formatted.html).raw


def send_file(kind: str) -> Method:
    """The method that sends one file of a kind."""

    def send(world: World, call: Parameters) -> JsonObject:
        chat = world.open_chat(call.text("chat_id"))
        formatted = read_caption(call)
        read_markup(call.tree("reply_markup"))
        media = world.files.receive_field(kind, call)
        fields = media.as_field() | caption_fields(formatted)
        if call.flag("has_spoiler") and kind != "document":
            fields["has_media_spoiler"] = True
        return put(world, call, chat, fields, html=formatted.html, media=media).raw

    return send


def send_media_group(world: World, call: Parameters) -> list[JsonObject]:
    """Put an album of 2-10 files into a chat; the items are checked before any is sent."""
    chat = world.open_chat(call.text("chat_id"))
    items = call.tree("media")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("can't parse media JSON object")
    if len(items) < _MIN_ALBUM:
        raise bad_request("too few messages to send as an album")
    if len(items) > _MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    kinds = {as_text(item.get("type")) for item in items}
    if not kinds <= _ALBUM_KINDS:
        raise bad_request("can't parse InputMedia: type must be one of photo, video, document")
    if len(kinds) > 1 and kinds & _ALONE_KINDS:
        alone = min(kinds & _ALONE_KINDS)
        raise bad_request(f"{alone} can't be mixed with other media types")
    group_id = str(world.random.randrange(10**16, 10**17))
    members = [read_media(world, call, item) for item in items]
    return [
        put(
            world,
            call,
            chat,
            media.as_field() | caption_fields(formatted) | {"media_group_id": group_id},
            html=formatted.html,
            media=media,
            markup=Markup(),
        ).raw
        for media, formatted in members
    ]


def send_chat_action(world: World, call: Parameters) -> bool:
    """Show the person what the bot is doing."""
    chat = world.open_chat(call.text("chat_id"))
    action = call.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.tell(ChatEvent("action", chat.chat_id, text=action))
    return True


def send_message_draft(world: World, call: Parameters) -> bool:
    """Show an animated preview of a text that is still being written."""
    chat = world.open_chat(call.text("chat_id"))
    if call.whole("draft_id") == 0:
        raise bad_request("RANDOM_ID_INVALID")
    formatted = format_text(call.text("text"), call.text("parse_mode"), call.tree("entities"))
    if count_units(formatted.text) > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    chat.tell(ChatEvent("draft", chat.chat_id, text=formatted.text))
    return True


def set_message_reaction(world: World, call: Parameters) -> bool:
    """Show the bot's reaction under a message."""
    chat = world.open_chat(call.text("chat_id"))
    message = chat.messages.get(call.whole("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    reactions = call.tree("reaction") or []
    if not isinstance(reactions, list) or len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    emoji = as_text(reactions[0].get("emoji")) if reactions else ""
    chat.tell(ChatEvent("reaction", chat.chat_id, message, text=emoji))
    return True


def put(
    world: World,
    call: Parameters,
    chat: Chat,
    fields: JsonObject,
    *,
    html: str = "",
    media: StoredFile | None = None,
    markup: Markup | None = None,
) -> ChatMessage:
    """Add what every message may have, and put it into the chat."""
    if markup is None:
        markup = read_markup(call.tree("reply_markup"))
    fields = fields | _read_reply(call, chat)
    if markup.inline:
        fields["reply_markup"] = {"inline_keyboard": markup.inline}
    if call.flag("protect_content"):
        fields["has_protected_content"] = True
    if effect := call.text("message_effect_id"):
        fields["effect_id"] = effect
    message = world.post(chat, fields, sender=world.bot, html=html, media=media)
    if markup.reply is not None:
        chat.keyboard = markup.reply
        chat.tell(ChatEvent("keyboard", chat.chat_id, message))
    return message


def text_fields(formatted: FormattedText) -> JsonObject:
    """A text as a Message shows it."""
    fields: JsonObject = {"text": formatted.text}
    return fields | ({"entities": formatted.entities} if formatted.entities else {})


def caption_fields(formatted: FormattedText) -> JsonObject:
    """A caption as a Message shows it; nothing when it is empty."""
    if not formatted.text:
        return {}
    fields: JsonObject = {"caption": formatted.text}
    return fields | ({"caption_entities": formatted.entities} if formatted.entities else {})


def read_caption(call: Parameters) -> FormattedText:
    """The caption in a call's own parameters."""
    return format_caption(
        call.text("caption"), call.text("parse_mode"), call.tree("caption_entities")
    )


def read_media(
    world: World, call: Parameters, item: JsonObject
) -> tuple[StoredFile, FormattedText]:
    """The file and the caption of one InputMedia."""
    formatted = format_caption(
        as_text(item.get("caption")),
        as_text(item.get("parse_mode")),
        item.get("caption_entities"),
    )
    source = as_text(item.get("media"))
    if not source:
        raise bad_request("media not found in the request")
    return world.files.receive(as_text(item.get("type")), source, call), formatted


def _read_reply(call: Parameters, chat: Chat) -> JsonObject:
    """The message this one answers; refused when it is gone, unless the call allows that."""
    reply = call.tree("reply_parameters")
    if not isinstance(reply, dict):
        return {}
    target = chat.messages.get(int(as_text(reply.get("message_id"), "0")))
    if target is not None:
        bare = {key: value for key, value in target.raw.items() if key != "reply_to_message"}
        return {"reply_to_message": bare}
    if as_text(reply.get("allow_sending_without_reply")) == "true":
        return {}
    raise bad_request("message to be replied not found")


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendPhoto": send_file("photo"),
    "sendDocument": send_file("document"),
    "sendVideo": send_file("video"),
    "sendAnimation": send_file("animation"),
    "sendAudio": send_file("audio"),
    "sendVoice": send_file("voice"),
    "sendSticker": send_file("sticker"),
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
    "setMessageReaction": set_message_reaction,
}
