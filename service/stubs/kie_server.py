"""The KIE stub as a server: one address for the API, the uploads, the results and the controls."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiohttp import web

from service.stubs import kie_answers as answers
from service.stubs import kie_files, kie_models_api, kie_reads, kie_uploads
from service.stubs.kie_callbacks import CallbackSender
from service.stubs.kie_catalogue import load_models
from service.stubs.kie_control import Limits, ModelSwitch, control_routes, set_limits, switch_model
from service.stubs.kie_create import RUNNER, create_task
from service.stubs.kie_state import STATE, KieStubOptions, StubState, StubTask
from service.stubs.kie_tasks import TaskRunner

__all__ = ["KieStub", "KieStubOptions", "StubTask", "serve"]

SHUTDOWN_LIMIT_S = 1.0
_UPLOAD_SLACK_BYTES = 40_000_000

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KieStub:
    """A running KIE stub: `async with KieStub(options) as stub`; what it kept dies with it."""

    def __init__(self, options: KieStubOptions | None = None) -> None:
        self.options = options or KieStubOptions()
        self._state = StubState(self.options, self.options.models or load_models())

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers={"User-Agent": "kie-stub"})
        self._runner = TaskRunner(self._state, CallbackSender(self._state, self._session))
        app = _build_app(self._state, self._runner, self._session)
        self._server = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_LIMIT_S
        )
        await self._server.setup()
        site = web.TCPSite(self._server, self.options.host, self.options.port)
        try:
            await site.start()
        except OSError:
            await self._close()
            raise
        port = self._server.addresses[0][1]
        host = "127.0.0.1" if self.options.host in ("0.0.0.0", "") else self.options.host  # noqa: S104  Compared, not bound.
        self._state.url = self.options.public_url.rstrip("/") or f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        self._state.closing.set()
        await self._runner.stop()
        await self._server.cleanup()
        await self._session.close()

    @property
    def url(self) -> str:
        """The one address of everything, without a slash at its end."""
        return self._state.url

    @property
    def tasks(self) -> Mapping[str, StubTask]:
        """All tasks since the start or the last reset, by provider task id."""
        return self._state.tasks

    @property
    def credits(self) -> float:
        """The account's balance."""
        return self._state.credits

    @credits.setter  # noqa: A003  The name is KIE's, and no builtin that a program uses.
    def credits(self, value: float) -> None:
        self._state.credits = value

    @property
    def hmac_key(self) -> str | None:
        """The key that signs callbacks; None: they are not signed."""
        return self._state.hmac_key

    @hmac_key.setter
    def hmac_key(self, value: str | None) -> None:
        self._state.hmac_key = value

    @property
    def maintenance(self) -> bool:
        """Whether every API call answers 455."""
        return self._state.maintenance

    @maintenance.setter
    def maintenance(self, value: bool) -> None:
        self._state.maintenance = value

    def script(self, *scenarios: str) -> None:
        """Give each of the next tasks one entry, such as "T17:empty", "T12:3 T20" or ""."""
        self._state.choice.script(scenarios)

    def mix(self, probabilities: Mapping[str, float], *, seed: int = 0) -> None:
        """Draw each named scenario with its own probability for every task from now on."""
        self._state.choice.mix(probabilities, seed=seed)

    def pause_model(self, model: str) -> None:
        """Refuse this model as paused until `resume_model`."""
        switch_model(self._state, ModelSwitch(model=model, state="paused"))

    def remove_model(self, model: str) -> None:
        """Refuse this model as unknown until `resume_model`."""
        switch_model(self._state, ModelSwitch(model=model, state="removed"))

    def resume_model(self, model: str) -> None:
        """Accept this model again."""
        switch_model(self._state, ModelSwitch(model=model, state="active"))

    def rotate_api_key(self, api_key: str) -> None:
        """Accept only this key from now on."""
        self._state.api_key = api_key

    def set_limits(self, limits: Limits) -> None:
        """Change the rates, and how an excess is answered."""
        set_limits(self._state, limits)

    def finish(self, task_id: str) -> None:
        """Let a running task end now, a stuck one included."""
        self._state.tasks[task_id].hurried.set()

    async def idle(self) -> None:
        """Return once every task so far has ended and its callbacks have been sent."""
        await self._runner.idle()

    def reset(self) -> None:
        """Forget all tasks, files, scenarios and switches."""
        self._runner.forget()
        self._state.reset()


async def serve(options: KieStubOptions) -> None:
    """Serve until SIGTERM, SIGINT or cancellation."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with KieStub(options) as stub:
            log.info("kie_stub_started", url=stub.url)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    log.info("kie_stub_stopped")


def _build_app(
    state: StubState, runner: TaskRunner, session: aiohttp.ClientSession
) -> web.Application:
    app = web.Application(
        middlewares=[_guard], client_max_size=kie_uploads.LARGEST_BYTES + _UPLOAD_SLACK_BYTES
    )
    app[STATE] = state
    app[RUNNER] = runner
    app[kie_uploads.SESSION] = session
    app.add_routes(
        [
            web.post("/api/v1/jobs/createTask", create_task),
            web.get("/api/v1/jobs/recordInfo", kie_reads.record_info),
            web.get("/api/v1/chat/credit", kie_reads.balance),
            web.post("/api/v1/common/download-url", kie_files.make_download_link),
            web.get("/api/v1/models", kie_models_api.list_models),
            web.get("/api/v1/models/{rest:.+}", kie_models_api.show_model),
            web.post("/client/v1/model-pricing/page", kie_models_api.list_prices),
            web.get("/client/v1/model-pricing/count", kie_models_api.count_prices),
            web.post("/api/file-base64-upload", kie_uploads.upload_base64),
            web.post("/api/file-stream-upload", kie_uploads.upload_stream),
            web.post("/api/file-url-upload", kie_uploads.upload_from_url),
            *control_routes(),
            web.route("*", "/api/{rest:.*}", _unknown_path),
            web.get("/{path:.+}", kie_files.serve_file),
        ]
    )
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only who sends an agent and the key reach the API; results need neither."""
    state = request.app[STATE]
    if not request.path.startswith("/api/"):
        return await handler(request)
    if not request.headers.get("User-Agent"):
        return answers.blocked_agent()
    if state.maintenance:
        return answers.refused(answers.Refusal(455, answers.MAINTENANCE))
    if request.headers.get("Authorization") != f"Bearer {state.api_key}":
        return answers.unauthorized()
    return await handler(request)


async def _unknown_path(_request: web.Request) -> web.Response:
    return answers.refused(answers.Refusal(404, "Not Found"), status=404)
