"""Methods of the Bot API about receiving updates: the webhook and getUpdates."""

import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from service.stubs.telegram_delivery import Hook
from service.stubs.telegram_errors import bad_request, conflict, too_many_requests
from service.stubs.telegram_gate import DEFAULT_CONNECTIONS, MAX_CONNECTIONS
from service.stubs.telegram_parameters import Parameters
from service.stubs.telegram_updates import MAX_BATCH
from service.stubs.telegram_world import World

JsonObject = dict[str, Any]

_MAX_SECRET_CHARACTERS = 256
_SECRET = re.compile(r"[A-Za-z0-9_-]*")
_PORTS = frozenset({None, 443, 80, 88, 8443})
_NEXT_SET_S = 1.0


@dataclass(frozen=True, slots=True)
class Described:
    """A result that comes with a description."""

    result: Any
    description: str


async def set_webhook(world: World, call: Parameters) -> Described:
    """Send updates to an address from now on; an empty address goes back to getUpdates."""
    url = call.text("url")
    if not url:
        return await delete_webhook(world, call)
    now = time.monotonic()
    if now < world.settings.get("next_webhook_at", 0.0):
        raise too_many_requests(1)
    hook = Hook(_check_url(url), _check_secret(call.text("secret_token")))
    world.settings["next_webhook_at"] = now + _NEXT_SET_S * world.time_factor
    read_allowed_updates(world, call)
    if call.flag("drop_pending_updates"):
        world.updates.drop_all()
    connections = call.whole("max_connections", DEFAULT_CONNECTIONS)
    world.webhook.gate.max_connections = min(max(1, connections), MAX_CONNECTIONS)
    if world.webhook.hook == hook:
        return Described(True, "Webhook is already set")
    world.updates.end_poll("terminated by setWebhook request")
    await world.webhook.point_at(hook)
    return Described(True, "Webhook was set")


async def delete_webhook(world: World, call: Parameters) -> Described:
    """Go back to getUpdates; what waits is kept unless it shall be dropped."""
    was_set = world.webhook.hook is not None
    await world.webhook.point_at(None)
    if call.flag("drop_pending_updates"):
        world.updates.drop_all()
    return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


def get_webhook_info(world: World, _call: Parameters) -> JsonObject:
    """Where updates go and how well that works."""
    sender = world.webhook
    info: JsonObject = {
        "url": sender.hook.url if sender.hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }
    if sender.hook:
        info |= {"max_connections": sender.gate.max_connections, "ip_address": "127.0.0.1"}
    if sender.last_error:
        info["last_error_date"], info["last_error_message"] = sender.last_error
    if world.updates.allowed is not None:
        info["allowed_updates"] = sorted(world.updates.allowed)
    return info


async def get_updates(world: World, call: Parameters) -> list[JsonObject]:
    """Updates after the offset, waited for; refused while a webhook is set."""
    if world.webhook.hook is not None:
        raise conflict(
            "can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first"
        )
    read_allowed_updates(world, call)
    return await world.updates.poll(
        offset=call.whole("offset"),
        limit=call.whole("limit", MAX_BATCH),
        timeout_s=call.whole("timeout"),
    )


def read_allowed_updates(world: World, call: Parameters) -> None:
    """Keep the types of update the bot wants; nothing said changes nothing."""
    allowed = call.tree("allowed_updates")
    if allowed is None:
        return
    if not isinstance(allowed, list) or not all(isinstance(kind, str) for kind in allowed):
        raise bad_request("can't parse allowed_updates JSON object")
    world.updates.allowed = frozenset(allowed) or None


def _check_url(url: str) -> str:
    """An address Telegram would take; plain HTTP on loopback is the stub's own addition."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise bad_request("invalid webhook URL specified") from error
    if not parts.hostname or any(character.isspace() for character in url):
        raise bad_request("invalid webhook URL specified")
    if _is_loopback(parts):
        return url
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in _PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    return url


def _is_loopback(parts: SplitResult) -> bool:
    """Whether a local service is meant."""
    if parts.scheme not in {"http", "https"}:
        return False
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _check_secret(secret: str) -> str:
    if len(secret) > _MAX_SECRET_CHARACTERS:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    return secret


METHODS: dict[str, Callable[[World, Parameters], Any]] = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getUpdates": get_updates,
}
