"""What the flows of the web process are given: less than a worker has."""

from dataclasses import dataclass
from datetime import datetime

from service.bells import Bells
from service.ports import Clock, Messenger
from service.store.database import Database
from service.store.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDeps:
    """Built once, in `app.py`."""

    database: Database
    messenger: Messenger
    bells: Bells
    clock: Clock
    time_factor: float = 1.0

    @property
    def pool(self) -> Pool:
        """Give the pool; `DatabaseAwayError` before it could be opened."""
        return self.database.pool

    def now(self) -> datetime:
        """Give the present moment."""
        return self.clock.now()
