"""The Telegram Bot API stub: an HTTP server with a bot's side and a person's side."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import structlog
from aiohttp import hdrs, web

from service.stubs.telegram_control import add_control_routes
from service.stubs.telegram_delivery import WebhookSender
from service.stubs.telegram_errors import BotApiError
from service.stubs.telegram_faults import Fault, FaultKind, Faults
from service.stubs.telegram_hooking import Described
from service.stubs.telegram_methods import Call, Dispatcher, describe_refused
from service.stubs.telegram_parameters import Parameters, read_parameters
from service.stubs.telegram_person import Person
from service.stubs.telegram_updates import Delivery
from service.stubs.telegram_world import Chat, World

JsonObject = dict[str, Any]

log = structlog.get_logger(__name__)

_MAX_BODY_BYTES = 60 << 20
_MAX_TOKEN_CHARACTERS = 80
_NOT_FOUND = BotApiError(404, "Not Found")
_STOP_LIMIT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class TelegramStubOptions:
    """How a stub is set up; port 0 takes any free port."""

    host: str = "127.0.0.1"
    port: int = 0
    bot_token: str = "7000000001:stub-token"  # noqa: S105 - the stub's own, known to everybody.
    time_factor: float = 1.0
    seed: int = 0


class TelegramStub:
    """A Bot API server: `async with TelegramStub(options) as stub`."""

    def __init__(self, options: TelegramStubOptions | None = None) -> None:
        self.options = options or TelegramStubOptions()
        self.url = ""
        self.world = World(
            bot_token=self.options.bot_token,
            time_factor=self.options.time_factor,
            seed=self.options.seed,
        )
        self.dispatcher = Dispatcher(self.world)
        self.faults = Faults()
        self._people: dict[int, Person] = {}
        self._runner: web.AppRunner | None = None

    @property
    def calls(self) -> list[Call]:
        """Every call of the bot that took effect, in order of arrival."""
        return self.dispatcher.calls

    @property
    def refusals(self) -> list[Call]:
        """Every call of the bot that was refused."""
        return self.dispatcher.refusals

    @property
    def deliveries(self) -> list[Delivery]:
        """What became of each update, in the order they were queued."""
        return list(self.world.updates.deliveries.values())

    @property
    def delivery(self) -> WebhookSender:
        """The way to the webhook: doubles, repeats, held queues."""
        return self.world.webhook

    def person(
        self,
        user_id: int,
        *,
        first_name: str = "Ann",
        username: str | None = None,
        language_code: str = "en",
        is_started: bool = True,
    ) -> Person:
        """The person with this id; made at the first call, with a chat the bot may write to."""
        if person := self._people.get(user_id):
            return person
        name = {"first_name": first_name} | ({"username": username} if username else {})
        chat = Chat({"id": user_id, "type": "private"} | name, is_started=is_started)
        self.world.chats[user_id] = chat
        user = {"id": user_id, "is_bot": False} | name | {"language_code": language_code}
        self._people[user_id] = Person(self.world, chat, user)
        return self._people[user_id]

    def group(self, chat_id: int, *, title: str = "Group") -> Chat:
        """A group the bot is in; its id is negative."""
        chat = Chat({"id": chat_id, "type": "group", "title": title})
        return self.world.chats.setdefault(chat_id, chat)

    def inject(self, update: JsonObject) -> int:
        """Queue any update as it is; one without a number gets the next."""
        return self.world.updates.add(update)

    async def wait_for_call(
        self,
        method: str,
        predicate: Callable[[Call], bool] = lambda _: True,
        *,
        timeout_s: float = 10.0,
    ) -> Call:
        """The newest call of this method that fits, as soon as there is one."""

        def find() -> Call | None:
            calls = (call for call in reversed(self.calls) if call.method == method)
            return next((call for call in calls if predicate(call)), None)

        return await self.dispatcher.watchers.until(find, timeout_s=timeout_s, what=method)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/bot{token:[^/]*}/{method}", self._handle_call)
        app.router.add_get("/file/bot{token:[^/]*}/{path:.+}", self._handle_download)
        add_control_routes(app, self)
        app.router.add_route("*", "/{rest:.*}", self._handle_unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_LIMIT_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.options.host, self.options.port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.faults.clear()
        self.world.updates.end_poll("terminated by the end of the stub")
        await self.world.webhook.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle_call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            self._check_token(request.match_info["token"])
            parameters = await read_parameters(request)
            return await self._call(request, method, parameters)
        except BotApiError as refusal:
            return _refuse(refusal)

    async def _call(
        self, request: web.Request, method: str, parameters: Parameters
    ) -> web.StreamResponse:
        """Carry out a call, with the fault that is planned for it."""
        fault = self.faults.take(method, parameters)
        if fault is None:
            return _accept(await self.dispatcher.execute(method, parameters))
        if fault.refusal is not None:
            self.dispatcher.refuse(describe_refused(method, parameters), fault.refusal)
            raise fault.refusal
        return await self._strike(request, method, parameters, fault)

    async def _strike(
        self, request: web.Request, method: str, parameters: Parameters, fault: Fault
    ) -> web.StreamResponse:
        """Hang or cut, before or after the call took effect."""
        if fault.kind is FaultKind.HANG_BEFORE:
            await self.faults.hold(fault)
        answer = web.Response()
        if fault.kind is not FaultKind.CUT_BEFORE:
            answer = _accept(await self.dispatcher.execute(method, parameters))
        if fault.kind is FaultKind.HANG_AFTER:
            await self.faults.hold(fault)
        if fault.kind in {FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER} and request.transport:
            request.transport.abort()
        return answer

    async def _handle_download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request.match_info["token"])
        except BotApiError as refusal:
            return _refuse(refusal)
        stored = self.world.files.download(request.match_info["path"])
        if stored is None:
            return _refuse(_NOT_FOUND)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def _handle_unknown(self, _request: web.Request) -> web.Response:
        return _refuse(_NOT_FOUND)

    def _check_token(self, token: str) -> None:
        is_shaped = ":" in token and not token.startswith("0")
        if not is_shaped or len(token) > _MAX_TOKEN_CHARACTERS:
            raise BotApiError(401, "Unauthorized: invalid token specified")
        if not hmac.compare_digest(token.encode(), self.world.bot_token.encode()):
            raise BotApiError(401, "Unauthorized")


def _accept(answer: Described) -> web.Response:
    body: JsonObject = {"ok": True, "result": answer.result}
    if answer.description:
        body["description"] = answer.description
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _refuse(refusal: BotApiError) -> web.Response:
    body: JsonObject = {
        "ok": False,
        "error_code": refusal.status,
        "description": refusal.description,
    }
    headers: dict[str, str] = {}
    if refusal.retry_after_s is not None:
        body["parameters"] = {"retry_after": refusal.retry_after_s}
        headers[hdrs.RETRY_AFTER] = str(refusal.retry_after_s)
    return web.Response(
        body=msgspec.json.encode(body),
        status=refusal.status,
        headers=headers,
        content_type="application/json",
    )


async def serve(options: TelegramStubOptions) -> None:
    """Run the stub alone until it is cancelled."""
    async with TelegramStub(options) as stub:
        log.info("telegram_stub_started", url=stub.url)
        await asyncio.Event().wait()
