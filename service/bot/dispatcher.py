"""The dispatcher: which router is asked first is behaviour, and stands here alone."""

from aiogram import Dispatcher

from service.bot.routers import compose, history, home, money, rest


def build_dispatcher() -> Dispatcher:
    """Put the routers together; conversation state is ours, so aiogram's own is off."""
    dispatcher = Dispatcher(disable_fsm=True)
    routers = (home.router, money.router, history.router, compose.router, rest.router)
    for router in routers:
        # A router belongs to one dispatcher; a second one in a process takes them over.
        router._parent_router = None  # noqa: SLF001 - aiogram has no public way
    dispatcher.include_routers(*routers)
    return dispatcher
