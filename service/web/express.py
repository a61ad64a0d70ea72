"""A way past the router for the one route that is busy: routing costs a sixth of an update."""

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send


def express(app: Litestar, route: ASGIRouteHandler) -> ASGIApp:
    """Give an application that hands `route` its requests itself, and all others to `app`."""
    (path,) = route.paths
    handle = route.fn

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"] == path:
            await handle(scope, receive, send)
        else:
            await app(scope, receive, send)

    return application
