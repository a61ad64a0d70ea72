"""Answers the bell HandleChats."""

import dramatiq

from actors.each import each
from actors.runtime import Runtime
from service.bells import HandleChats
from service.flows.take_turn import take_turn

TIME_LIMIT_MS = 600_000


def declare(broker: dramatiq.Broker, runtime: Runtime) -> None:
    """Declare the actor on a broker."""

    @dramatiq.actor(broker=broker, queue_name=HandleChats.queue, time_limit=TIME_LIMIT_MS)
    async def handle_chats(chat_ids: list[int]) -> None:
        """Let each chat take its turn."""
        deps, speech = runtime.deps, runtime.speech
        await runtime.work(each(chat_ids, lambda chat_id: take_turn(deps, speech, chat_id)))
