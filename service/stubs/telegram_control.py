"""The control side over HTTP: act as a person and plan faults when the stub runs alone."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Protocol

import msgspec
from aiohttp import web

from service.stubs.telegram_errors import BotApiError
from service.stubs.telegram_faults import PLANS, Faults
from service.stubs.telegram_messages import ChatMessage
from service.stubs.telegram_methods import Dispatcher
from service.stubs.telegram_parameters import decode_json_body
from service.stubs.telegram_person import Person
from service.stubs.telegram_world import World

JsonObject = dict[str, Any]


class Stub(Protocol):
    """What the control side needs of the running stub."""

    world: World
    dispatcher: Dispatcher
    faults: Faults

    def person(
        self,
        user_id: int,
        *,
        first_name: str = "Ann",
        username: str | None = None,
        language_code: str = "en",
    ) -> Person:
        """The person with this id, new or known."""


Action = Callable[[Person, JsonObject], Awaitable[Any]]


def add_control_routes(app: web.Application, stub: Stub) -> None:
    """Hang the control side under /stub."""

    async def act(request: web.Request) -> web.Response:
        values = decode_json_body(await request.read())
        person = stub.person(int(request.match_info["user_id"]))
        return _answer(await _ACTIONS[request.match_info["action"]](person, values))

    async def add_person(request: web.Request) -> web.Response:
        return _answer(stub.person(**decode_json_body(await request.read())).user)

    async def show_messages(request: web.Request) -> web.Response:
        person = stub.person(int(request.match_info["user_id"]))
        return _answer([_show(message) for message in person.messages])

    async def show_calls(_request: web.Request) -> web.Response:
        return _answer([asdict(call) for call in stub.dispatcher.calls])

    async def show_deliveries(_request: web.Request) -> web.Response:
        return _answer([asdict(each) for each in stub.world.updates.deliveries.values()])

    async def inject(request: web.Request) -> web.Response:
        return _answer(stub.world.updates.add(decode_json_body(await request.read())))

    async def plan_fault(request: web.Request) -> web.Response:
        values = decode_json_body(await request.read())
        PLANS[values.pop("kind")](stub.faults, **values)
        return _answer(True)

    async def clear_faults(_request: web.Request) -> web.Response:
        stub.faults.clear()
        return _answer(True)

    actions = "|".join(_ACTIONS)
    app.add_routes(
        [
            web.post("/stub/people", _guarded(add_person)),
            web.get(r"/stub/people/{user_id:\d+}/messages", _guarded(show_messages)),
            web.post(rf"/stub/people/{{user_id:\d+}}/{{action:{actions}}}", _guarded(act)),
            web.get("/stub/calls", _guarded(show_calls)),
            web.get("/stub/deliveries", _guarded(show_deliveries)),
            web.post("/stub/updates", _guarded(inject)),
            web.post("/stub/faults", _guarded(plan_fault)),
            web.delete("/stub/faults", _guarded(clear_faults)),
        ]
    )


def _guarded(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answer a wrong request by 400 and its reason."""

    async def guard(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except BotApiError as error:
            return _answer({"error": error.description}, status=400)
        except (LookupError, ValueError, TypeError) as error:
            return _answer({"error": f"{type(error).__name__}: {error}"}, status=400)

    return guard


def _answer(value: Any, *, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")


def _show(message: ChatMessage) -> JsonObject:
    return {
        "message_id": message.message_id,
        "from_bot": message.from_bot,
        "text": message.text,
        "caption": message.caption,
        "html": message.html,
        "buttons": [[asdict(button) for button in row] for row in message.buttons],
        "media": message.media.describe() | {"kind": message.media.kind} if message.media else None,
        "invoice": message.invoice,
        "edits": message.edits,
    }


async def _say(person: Person, values: JsonObject) -> JsonObject:
    return _show(await person.say(values["text"], chat_id=values.get("chat_id")))


async def _send_photo(person: Person, values: JsonObject) -> JsonObject:
    return _show(await person.send_photo(caption=values.get("caption", "")))


async def _press(person: Person, values: JsonObject) -> JsonObject:
    message = person.chat.messages[values["message_id"]] if "message_id" in values else None
    press = await person.press(values["button"], message)
    return {"callback_query_id": press.question.question_id}


async def _pay(person: Person, values: JsonObject) -> JsonObject:
    is_link = "link" in values
    what = values["link"] if is_link else person.chat.messages[values["message_id"]]
    return asdict(await person.pay(what))


async def _block(person: Person, _values: JsonObject) -> bool:
    person.block()
    return True


async def _unblock(person: Person, _values: JsonObject) -> bool:
    person.unblock()
    return True


_ACTIONS: dict[str, Action] = {
    "say": _say,
    "photo": _send_photo,
    "press": _press,
    "pay": _pay,
    "block": _block,
    "unblock": _unblock,
}
