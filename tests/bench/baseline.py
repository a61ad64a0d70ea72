"""The baseline: aiogram's own webhook handler with one command, storing nothing."""

import sys

import uvloop
from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

SECRET = "bench-secret"
PATH = "/telegram/webhook"


async def start(message: Message) -> None:
    """Do nothing: only the way of the update to its handler is measured."""


def main(port: int) -> None:
    """Serve on loopback until SIGTERM."""
    uvloop.install()
    bot = Bot("7000000001:stub-token")
    dispatcher = Dispatcher()
    dispatcher.message(Command("start"))(start)
    app = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=True, secret_token=SECRET)
    handler.register(app, path=PATH)
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
