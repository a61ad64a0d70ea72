"""What a test of deliveries looks at: the rows, the uploads, the files at KIE and in the chat."""

from tests.support.orders import Order


async def delivery(order: Order, kind: str = "results") -> dict:
    """Give the newest delivery of a kind as its row stands."""
    row = await order.rig.pool.fetchrow(
        "SELECT * FROM deliveries WHERE generation_id = $1 AND kind = $2 ORDER BY 1 DESC LIMIT 1",
        order.generation_id,
        kind,
    )
    return dict(row) if row else {}


async def until_delivery(order: Order, condition: str, kind: str = "results") -> None:
    """Wait until a delivery's row fulfils a condition of SQL."""
    await order.rig.until(
        f"SELECT count(*) > 0 AND bool_and({condition}) FROM deliveries"
        " WHERE generation_id = $1 AND kind = $2",
        order.generation_id,
        kind,
    )


async def hurry(order: Order) -> None:
    """Let what waits for another try be due now, and leave the ringing to the sweeper."""
    await order.rig.pool.execute(
        "UPDATE deliveries SET due_at = now(), rung_at = now() - interval '1 hour', rings = 0"
        " WHERE generation_id = $1 AND state = 'due' AND attempts = 0",
        order.generation_id,
    )


async def address(order: Order) -> str:
    """Give the address of the first result."""
    return await order.rig.fetchval(
        "SELECT url FROM results WHERE generation_id = $1 ORDER BY result_id LIMIT 1",
        order.generation_id,
    )


async def original(order: Order) -> bytes:
    """Fetch the first result from KIE as anybody can."""
    async with order.rig.http.get(await address(order)) as answer:
        return await answer.read()


def calls(order: Order, *methods: str) -> list:
    """Give the calls of these methods that took effect in the person's chat."""
    chat_id = order.person.user_id
    return [
        call
        for call in order.rig.telegram.calls
        if call.method in methods and call.parameters.get("chat_id") == chat_id
    ]


def uploads(order: Order) -> int:
    """Count the files that were uploaded to the person's chat, refused ones included."""
    telegram, chat_id = order.rig.telegram, order.person.user_id
    return sum(
        len(call.files)
        for call in [*telegram.calls, *telegram.refusals]
        if call.parameters.get("chat_id") == chat_id
    )


def labels(message) -> list[str]:
    """Give the labels of a message's buttons."""
    return [button.text for row in message.buttons for button in row]
