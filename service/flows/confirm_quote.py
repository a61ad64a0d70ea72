"""A confirmed quote becomes a generation: tasks and holds in the caller's transaction."""

import secrets
from dataclasses import dataclass

import structlog

from service.domain.catalogue import Model, task_plan
from service.domain.money import Kopecks
from service.errors import UserError
from service.flows.deps import Deps
from service.store import generations, ledger, outbox, provider, tasks, users
from service.store.generations import Quote
from service.store.pool import Db

log = structlog.get_logger(__name__)

#: Bytes of randomness in a callback's token.
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a press of the confirm button led to."""

    generation_id: int
    is_new: bool  # False: the button was pressed before, nothing was charged again


async def confirm_quote(
    db: Db, deps: Deps, *, user_id: int, quote_id: int, status_message_id: int | None
) -> Confirmed | None:
    """Buy what a quote promises, once. None: it was bought before.

    Raises UserError: quote-unknown, quote-expired, model-gone, provider-away, not-enough-money.
    Nothing is changed then. The caller rings SubmitTasks after its commit.
    """
    await users.lock(db, user_id)
    quote = await generations.get_quote(db, quote_id, user_id=user_id)
    if quote is None:
        raise UserError("quote-unknown")
    if quote.is_used:
        # Before any other reason: "nothing was charged" would not be true.
        return None
    model = await _sellable(db, deps, quote)
    async with db.transaction():
        generation_id = await generations.start(
            db, quote, status_message_id=status_message_id,
            deadline_at=deps.after(model.deadline_s), now=deps.now(),
        )  # fmt: skip
        if generation_id is None:
            return None
        if quote.expires_at <= deps.now():
            raise UserError("quote-expired")
        await _hold_tasks(db, deps, quote, model, generation_id)
        content = {"generation_id": generation_id}
        await outbox.add(
            db, chat_id=user_id, kind="generation_status", content=content, now=deps.now()
        )
    log.info("generation_confirmed", generation_id=generation_id, quote_id=quote_id)
    return Confirmed(generation_id, is_new=True)


async def _sellable(db: Db, deps: Deps, quote: Quote) -> Model:
    """Give the quoted model if it can be bought now."""
    model = deps.catalogue.by_id.get(quote.model_id)
    if model is None or not model.on_sale:
        raise UserError("model-gone")
    if model.id in await generations.list_switched_off(db):
        raise UserError("model-gone")
    if (await provider.get(db)).away_since is not None:
        raise UserError("provider-away")
    return model


async def _hold_tasks(db: Db, deps: Deps, quote: Quote, model: Model, generation_id: int) -> None:
    """Queue the generation's tasks, each with its share of the price held."""
    plan = task_plan(
        model, quote.parameters, quote.pictures, prompt=quote.prompt, style=quote.style
    )
    assert sum(request.pictures for request in plan) == quote.pictures
    for ordinal, request in enumerate(plan, start=1):
        price = Kopecks(quote.picture_kopecks * request.pictures)
        task_id = await tasks.queue(
            db, generation_id=generation_id, user_id=quote.user_id, model_id=model.id,
            ordinal=ordinal, task_input=request.input, pictures=request.pictures,
            price_kopecks=price, callback_token=secrets.token_urlsafe(_TOKEN_BYTES),
            deadline_at=deps.after(model.deadline_s), now=deps.now(),
        )  # fmt: skip
        await ledger.hold(
            db, user_id=quote.user_id, task_id=task_id, amount_kopecks=price, now=deps.now()
        )
