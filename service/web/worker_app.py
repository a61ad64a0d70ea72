"""The small application on the worker's port: the health and metrics routes, nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from service.ports import Clock
from service.store.database import Database
from service.web.health import health_routes
from service.web.metrics import metrics_route
from service.web.status import ProcessFacts, StatusReader
from service.web.tasks import Supervisor


def create_worker_app(*, database_url: str, clock: Clock, facts: ProcessFacts) -> Litestar:
    """Make the application; it opens a small pool of its own, on the loop that serves it."""
    database = Database(database_url, size=1, name="worker status")
    reader = StatusReader(database, clock, facts)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        supervisor = Supervisor()
        supervisor.keep_running("database", database.open)
        try:
            yield
        finally:
            await supervisor.stop()
            await reader.close()
            await database.close()

    return Litestar(
        route_handlers=[*health_routes(reader), metrics_route(reader)],
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
    )
