"""Bells over a real RabbitMQ: what is rung reaches an actor, and nothing is ever waited for."""

import asyncio
import json
import threading
from collections import defaultdict

import aio_pika
import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker

from service.bells import (
    BELLS,
    DeliverResults,
    HandleChats,
    ProbeProvider,
    SettleTasks,
    SubmitTasks,
)  # fmt: skip
from service.gateways.inprocess import InProcessBells
from service.gateways.rabbit import (
    QUEUES,
    PendingBells,
    RabbitBells,
    actor_name,
    declarations,
    make_message,
)  # fmt: skip
from service.gateways.rabbit_broker import QuorumBroker
from tests.support.web_process import until


@pytest.fixture
async def bells(rabbit_url):
    ringing = RabbitBells(rabbit_url)
    await ringing.open()
    await until(lambda: ringing.is_up)
    await empty_queues(rabbit_url)
    yield ringing
    await ringing.close()


async def empty_queues(url):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await (await channel.get_queue(queue)).purge()


async def take_messages(url, queue):
    """Take all messages that lie in a queue."""
    found = []
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue)
        while message := await source.get(no_ack=True, fail=False):
            found.append(json.loads(message.body))
    return found


def an_audience(broker):
    """Declare an actor for each bell, that remembers what it heard."""
    heard = defaultdict(list)
    lock = threading.Lock()

    def listen(bell):
        def actor(**parameters):
            with lock:
                heard[bell].append(parameters)

        dramatiq.actor(actor, actor_name=actor_name(bell), queue_name=bell.queue, broker=broker)

    for bell in BELLS:
        listen(bell)
    return heard


def test_a_bell_is_answered_by_the_actor_of_its_name():
    assert [actor_name(bell) for bell in BELLS] == [
        "handle_chats", "submit_tasks", "settle_tasks", "deliver_results", "probe_provider",
    ]  # fmt: skip


async def test_what_the_web_rings_reaches_the_workers_actors(bells, rabbit_url):
    # Given a worker on the same RabbitMQ, whose broker declares the queues as the bells do
    broker = QuorumBroker(rabbit_url, middleware=[])
    heard = an_audience(broker)
    worker = Worker(broker, worker_threads=2, worker_timeout=50)
    await asyncio.to_thread(worker.start)
    try:
        # When each bell is rung
        bells.ring_soon(HandleChats((7, 9)))
        bells.ring_soon(SubmitTasks())
        bells.ring_soon(SettleTasks((3,)))
        bells.ring_soon(DeliverResults((4, 5)))
        bells.ring_soon(ProbeProvider())

        # Then each actor hears its ids, and nothing else
        await until(lambda: len(heard) == len(BELLS))
        assert heard[HandleChats] == [{"chat_ids": [7, 9]}]
        assert heard[SubmitTasks] == [{}]
        assert heard[SettleTasks] == [{"task_ids": [3]}]
        assert heard[DeliverResults] == [{"delivery_ids": [4, 5]}]
        assert heard[ProbeProvider] == [{}]
    finally:
        await asyncio.to_thread(worker.stop)
        await asyncio.to_thread(broker.close)


async def test_bells_rung_in_a_burst_become_few_messages(bells, rabbit_url):
    # When 500 chats are rung at once, each twice
    for number in range(1000):
        bells.ring_soon(HandleChats((number % 500,)))
        bells.ring_soon(SubmitTasks())

    # Then a few messages of at most 100 ids name each once
    found = []

    async def has_all():
        found.extend(await take_messages(rabbit_url, "chats"))
        return sum(len(message["kwargs"]["chat_ids"]) for message in found) >= 500

    await until(has_all)
    ids = [chat for message in found for chat in message["kwargs"]["chat_ids"]]
    assert sorted(ids) == list(range(500))
    assert max(len(message["kwargs"]["chat_ids"]) for message in found) == 100
    assert len(await take_messages(rabbit_url, "tasks")) == 1


async def test_without_rabbitmq_ringing_costs_nothing_and_raises_nothing():
    # Given bells whose RabbitMQ is away
    away = RabbitBells("amqp://127.0.0.1:9/")
    await away.open()

    # When they are rung
    for number in range(100):
        away.ring_soon(HandleChats((number,)))

    # Then nothing happens, and they say that they are not heard
    assert not away.is_up
    await until(lambda: not away._pending)
    await away.close()


async def test_bells_ring_again_after_the_connection_broke(bells, rabbit_url):
    # Given a connection that breaks
    await bells._channel.close()
    await until(lambda: not bells.is_up)

    # When RabbitMQ is there again
    await until(lambda: bells.is_up)
    bells.ring_soon(SettleTasks((1,)))

    # Then bells are heard
    found = []

    async def is_heard():
        found.extend(await take_messages(rabbit_url, "tasks"))
        return found

    await until(is_heard)
    assert found[0]["actor_name"] == "settle_tasks"


async def test_queues_that_vanished_are_declared_anew(bells, rabbit_url):
    # Given a RabbitMQ that lost its queues
    async with await aio_pika.connect(rabbit_url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            for name in declarations(queue):
                await channel.queue_delete(name)

    # When a bell is rung, it may get lost; rung again by the sweeper, it is heard
    async def is_heard():
        bells.ring_soon(HandleChats((7,)))
        await asyncio.sleep(0.1)
        async with await aio_pika.connect(rabbit_url) as connection:
            channel = await connection.channel()
            try:
                queue = await channel.get_queue("chats")
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return False
            return await queue.get(no_ack=True, fail=False) is not None

    await until(is_heard)


async def test_what_is_pending_is_rung_at_the_end(rabbit_url, bells):
    # Given a bell that was rung just before the end
    last = RabbitBells(rabbit_url)
    await last.open()
    await until(lambda: last.is_up)
    last.ring_soon(HandleChats((77,)))

    # When the process ends, then it is heard
    await last.close()
    (message,) = await take_messages(rabbit_url, "chats")
    assert message["kwargs"] == {"chat_ids": [77]}


async def test_in_one_process_bells_reach_the_same_actors():
    # Given a broker and a worker in this process
    broker = StubBroker(middleware=[])
    heard = an_audience(broker)
    worker = Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        # When a bell is rung, then its actor hears it
        bells = InProcessBells(broker)
        bells.ring_soon(HandleChats((7,)))
        await until(lambda: heard[HandleChats])
        assert heard[HandleChats] == [{"chat_ids": [7]}]
    finally:
        await asyncio.to_thread(worker.stop)
        broker.close()


async def test_a_bell_nobody_answers_in_one_process_is_dropped():
    broker = StubBroker(middleware=[])
    InProcessBells(broker).ring_soon(HandleChats((7,)))


def test_pending_bells_are_united_and_split():
    # Given bells of several kinds, some of them twice
    pending = PendingBells()
    for bell in (HandleChats((1, 2)), SubmitTasks(), HandleChats((2, 3)), SubmitTasks()):
        pending.add(bell)
    assert pending

    # When they are taken, then each thing is said once, and nothing is left
    assert pending.take() == [HandleChats((1, 2, 3)), SubmitTasks()]
    assert not pending
    assert pending.take() == []

    # And no message names more than 100
    pending.add(HandleChats(tuple(range(250))))
    assert [len(bell.chat_ids) for bell in pending.take()] == [100, 100, 50]


def test_a_message_carries_ids_as_keywords():
    message = make_message(HandleChats((1, 2)))
    assert message.queue_name == "chats"
    assert (message.args, message.kwargs, message.options) == ((), {"chat_ids": [1, 2]}, {})
