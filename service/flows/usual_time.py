"""How long a model usually takes: the fact, else what our own last tasks took."""

from statistics import median

from service.domain.catalogue import Model
from service.store import generations
from service.store.pool import Reader


async def usual_time_s(reader: Reader, model: Model) -> float | None:
    """Give the usual time in seconds; None: nobody knows yet."""
    if model.usual_s is not None:
        return float(model.usual_s)
    seconds = await generations.list_model_seconds(reader, model.id)
    return median(seconds) if seconds else None
