"""Methods of the Bot API about the bot itself: who it is, its commands, its files."""

from collections.abc import Callable
from typing import Any

import msgspec

from service.stubs.telegram_errors import bad_request
from service.stubs.telegram_files import MAX_DOWNLOAD_BYTES
from service.stubs.telegram_parameters import Parameters
from service.stubs.telegram_world import World

JsonObject = dict[str, Any]
Method = Callable[[World, Parameters], Any]

_MAX_COMMANDS = 100
_MAX_COMMAND_CHARACTERS = 32
_MAX_DESCRIPTION_CHARACTERS = 256
_SCOPES = frozenset(
    [
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    ]
)
_NO = [
    "can_join_groups",
    "can_read_all_group_messages",
    "supports_guest_queries",
    "supports_inline_queries",
    "can_connect_to_business",
    "has_main_web_app",
    "has_topics_enabled",
    "allows_users_to_create_topics",
    "can_manage_bots",
    "supports_join_request_queries",
]


def get_me(world: World, _call: Parameters) -> JsonObject:
    """The bot; every flag is a boolean, never null."""
    return world.bot | dict.fromkeys(_NO, False)


def get_file(world: World, call: Parameters) -> JsonObject:
    """Where a file of at most 20 MB can be downloaded."""
    file_id = call.text("file_id")
    stored = world.files.find(file_id)
    if len(stored.data) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return stored.describe(file_id.rpartition("_")[2]) | {"file_path": stored.file_path}


def get_chat(world: World, call: Parameters) -> JsonObject:
    """What the bot may know of a chat."""
    chat = world.chat(call.text("chat_id"))
    return chat.raw | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


def set_my_commands(world: World, call: Parameters) -> bool:
    """Keep the command list of one scope and language."""
    commands = call.tree("commands")
    if not isinstance(commands, list) or len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    checked = [_read_command(command) for command in commands]
    _commands(world)[_scope_of(call)] = checked
    return True


def get_my_commands(world: World, call: Parameters) -> list[JsonObject]:
    """The command list of one scope and language."""
    return _commands(world).get(_scope_of(call), [])


def delete_my_commands(world: World, call: Parameters) -> bool:
    """Forget the command list of one scope and language."""
    _commands(world).pop(_scope_of(call), None)
    return True


def set_chat_menu_button(world: World, call: Parameters) -> bool:
    """Keep the button beside the input field, for one chat or for all."""
    button = call.tree("menu_button") or {"type": "default"}
    if not isinstance(button, dict) or button.get("type") not in {"commands", "default", "web_app"}:
        raise bad_request("BUTTON_TYPE_INVALID")
    world.settings[f"menu_button:{call.text('chat_id')}"] = button
    return True


def get_chat_menu_button(world: World, call: Parameters) -> JsonObject:
    """The button beside the input field."""
    button: JsonObject = world.settings.get(
        f"menu_button:{call.text('chat_id')}", {"type": "default"}
    )
    return button


def _read_command(command: Any) -> JsonObject:
    name = command.get("command") if isinstance(command, dict) else None
    description = command.get("description") if isinstance(command, dict) else None
    name = name.removeprefix("/") if isinstance(name, str) else ""
    is_name = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if not is_name or len(name) > _MAX_COMMAND_CHARACTERS:
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not (
        0 < len(description) <= _MAX_DESCRIPTION_CHARACTERS
    ):
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}


def _commands(world: World) -> dict[str, list[JsonObject]]:
    lists: dict[str, list[JsonObject]] = world.settings.setdefault("commands", {})
    return lists


def _scope_of(call: Parameters) -> str:
    scope = call.tree("scope") or {"type": "default"}
    if not isinstance(scope, dict) or scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    return f"{msgspec.json.encode(scope, order='sorted').decode()}:{call.text('language_code')}"


def _text_setting(name: str, max_characters: int) -> tuple[Method, Method]:
    """The pair of methods that keeps and gives one text per language."""

    def keep(world: World, call: Parameters) -> bool:
        text = call.text(name)
        if len(text) > max_characters:
            raise bad_request(f"BOT_{name.upper()}_TOO_LONG")
        world.settings[f"{name}:{call.text('language_code')}"] = text
        return True

    def give(world: World, call: Parameters) -> JsonObject:
        return {name: world.settings.get(f"{name}:{call.text('language_code')}", "")}

    return keep, give


_set_name, _get_name = _text_setting("name", 64)
_set_description, _get_description = _text_setting("description", 512)
_set_short, _get_short = _text_setting("short_description", 120)

METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getFile": get_file,
    "getChat": get_chat,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "setMyName": _set_name,
    "getMyName": _get_name,
    "setMyDescription": _set_description,
    "getMyDescription": _get_description,
    "setMyShortDescription": _set_short,
    "getMyShortDescription": _get_short,
}
