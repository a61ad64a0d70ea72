"""POST /telegram/webhook: every row of the contract, over real HTTP and PostgreSQL."""

import asyncio
import json
from io import BytesIO

import pytest

from service.bells import HandleChats
from service.errors import TransientError
from service.flows.read_update import MalformedUpdateError, read_update
from service.ports import MessengerRefusedError
from tests.support.web_process import OLD_SECRET, ScriptedTelegram, dead_url, ready_web, serving

BIGINT_MAX = 2**63 - 1


@pytest.fixture
async def web(database):
    async with ready_web(database.app_url) as process:
        yield process


def a_message(update_id=1, chat_id=7, text="a red fox", **fields):
    chat = {"id": chat_id, "type": "private"}
    message = {"message_id": 5, "date": 1, "chat": chat, "from": {"id": chat_id}, "text": text}
    return {"update_id": update_id, "message": message, **fields}


def a_pre_checkout(update_id=1, language_code="ru"):
    sender = {"id": 7, "is_bot": False, "first_name": "Anna", "language_code": language_code}
    query = {"id": "q1", "from": sender, "currency": "XTR", "total_amount": 100}
    return {"update_id": update_id, "pre_checkout_query": {**query, "invoice_payload": "order:1"}}


async def test_an_acknowledged_update_is_durable_and_its_chat_is_rung(web, owner):
    # Given an update with fields nobody knows
    update = a_message(11, chat_id=7, novelty={"deep": [1]})

    # When it is posted
    status = await web.post_update(update)

    # Then it is a row with the very body, and the chat's bell rang
    assert status == 200
    row = await owner.fetchrow("SELECT * FROM updates")
    assert (row["update_id"], row["chat_id"], row["handled_at"]) == (11, 7, None)
    assert json.loads(row["body"]) == update
    assert web.bells.rung == [HandleChats((7,))]


async def test_a_repeat_is_acknowledged_and_kept_once(web, owner):
    # Given an update that was kept
    assert await web.post_update(a_message(11)) == 200

    # When Telegram sends it again, as often as it likes
    statuses = [await web.post_update(a_message(11)) for _ in range(3)]

    # Then it hears 200, and there is one row and one bell
    assert statuses == [200, 200, 200]
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1
    assert len(web.bells.rung) == 1


async def test_w3_one_update_at_two_webs_at_once_is_kept_once(database, owner):
    # Given two web processes on one database
    async with ready_web(database.app_url) as one, ready_web(database.app_url) as two:
        # When each of 50 updates arrives at both at the same moment
        posts = [web.post_update(a_message(number)) for number in range(50) for web in (one, two)]
        statuses = await asyncio.gather(*posts)

    # Then all are acknowledged, each is one row, and exactly one of the two rang for it
    assert set(statuses) == {200}
    assert await owner.fetchval("SELECT count(*) FROM updates") == 50


@pytest.mark.parametrize("secret", [None, "", "wrong", OLD_SECRET + "x"])
async def test_without_a_right_secret_nothing_is_taken(web, owner, secret):
    # When an update comes without a secret, or with a wrong one
    status = await web.post_update(a_message(), secret=secret)

    # Then it is refused, and nothing is kept
    assert status == 403
    assert await owner.fetchval("SELECT count(*) FROM updates") == 0


async def test_during_a_rotation_the_old_secret_is_right_too(web):
    assert await web.post_update(a_message(), secret=OLD_SECRET) == 200


async def test_without_any_secret_every_post_is_refused(database):
    # Given a process that polls
    async with ready_web(
        database.app_url, PUBLIC_URL="", TELEGRAM_WEBHOOK_SECRET="", telegram=quiet_telegram()
    ) as web:
        # When somebody posts an update with an empty secret, then it is refused
        assert await web.post_update(a_message(), secret="") == 403


def quiet_telegram():
    async def no_updates():
        await asyncio.sleep(0.05)
        return []

    return ScriptedTelegram(answers={"getUpdates": [no_updates] * 1000})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"no json",
        b"[1]",
        b"null",
        b"{}",
        b'{"update_id":null}',
        b'{"update_id":"1"}',
        b'{"update_id":1.5}',
        b'{"update_id":true}',
        b'{"update_id":9223372036854775808}',
        b'{"update_id":-9223372036854775809}',
        b'{"update_id":1}trailing',
        b'{"update_id":1,"message":{"text":"\xff\xfe"}}',
        b'{"update_id":1,"message":{"text":"\x00"}}',
        b'{"update_id":1,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=range(16),
)
async def test_what_is_no_update_is_refused_for_good(web, owner, body):
    assert await web.post_update(body) == 400
    assert await owner.fetchval("SELECT count(*) FROM updates") == 0


@pytest.mark.parametrize(
    ("inner", "chat_id"),
    [
        ({"edited_message": {"chat": {"id": -100}}}, -100),
        ({"channel_post": {"chat": {"id": -200}}}, -200),
        ({"callback_query": {"id": "1", "from": {"id": 3}, "message": {"chat": {"id": 4}}}}, 4),
        ({"callback_query": {"id": "1", "from": {"id": 3}}}, 3),
        ({"callback_query": {"id": "1", "from": {"id": 3}, "message": None}}, 3),
        ({"my_chat_member": {"chat": {"id": 5}, "from": {"id": 6}}}, 5),
        ({"inline_query": {"id": "1", "from": {"id": 8}}}, 8),
        ({"poll_answer": {"user": {"id": 9}}}, 9),
        ({"poll": {"id": "77"}}, 0),
        ({"novelty": 5, "other": {"message": {"chat": {"id": 12}}}}, 12),
        ({"message": {"chat": {"id": "seven"}, "from": {"id": 13}}}, 13),
        ({"message": {"chat": {"id": BIGINT_MAX + 1}, "from": {"id": 14}}}, 14),
        ({"message": 5}, 0),
        ({"message": []}, 0),
        ({}, 0),
    ],
)
async def test_an_update_of_any_shape_is_kept_under_its_chat(web, owner, inner, chat_id):
    # When an update comes, whatever is in it
    status = await web.post_update({"update_id": BIGINT_MAX, **inner})

    # Then it is kept under its chat's id, else its user's, else 0
    assert status == 200
    assert await owner.fetchval("SELECT chat_id FROM updates") == chat_id


async def test_a_lone_surrogate_in_an_escape_is_only_text(web, owner):
    assert await web.post_update(b'{"update_id":1,"message":{"text":"\\ud800\\u0000"}}') == 200
    assert await owner.fetchval("SELECT count(*) FROM updates") == 1


@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_body_over_one_mebibyte_is_refused(web, is_declared):
    # Given a body just over the limit, with or without a Content-Length
    body = b'{"update_id":1,"a":"' + b"x" * 1024 * 1024 + b'"}'

    async def streamed():
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    # When it is posted
    data = BytesIO(body) if is_declared else streamed()
    headers = {"X-Telegram-Bot-Api-Secret-Token": OLD_SECRET}
    async with web.client.post(
        f"{web.base}/telegram/webhook", data=data, headers=headers
    ) as answer:
        # Then it is refused
        assert answer.status == 413


async def test_a_body_just_under_one_mebibyte_is_kept(web, owner):
    body = b'{"update_id":1,"a":"' + b"x" * (1024 * 1024 - 30) + b'"}'
    headers = {"X-Telegram-Bot-Api-Secret-Token": OLD_SECRET}
    async with web.client.post(
        f"{web.base}/telegram/webhook", data=BytesIO(body), headers=headers
    ) as answer:
        assert answer.status == 200
    assert await owner.fetchval("SELECT length(body) FROM updates") == len(body)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_other_methods_are_named_as_wrong(web, method):
    async with web.client.request(method, f"{web.base}/telegram/webhook") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"


async def test_w1_without_postgresql_telegram_is_asked_to_come_back():
    # Given a web process whose PostgreSQL is away
    async with serving(dead_url()) as web:
        headers = {"X-Telegram-Bot-Api-Secret-Token": OLD_SECRET}
        # When updates arrive
        for update in (a_message(), a_pre_checkout()):
            async with web.client.post(
                f"{web.base}/telegram/webhook", json=update, headers=headers
            ) as answer:
                # Then none is acknowledged: Telegram sends them again, in a second
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
    assert web.telegram.named("answerPreCheckoutQuery") == []


async def test_w1_under_a_flood_every_acknowledged_update_is_a_row(web, owner):
    # When 600 updates come at once
    posts = [web.post_update(a_message(number, chat_id=number % 9)) for number in range(600)]
    statuses = await asyncio.gather(*posts)

    # Then each one that heard 200 is a row, and none hears what would lose it
    assert set(statuses) <= {200, 503}
    assert await owner.fetchval("SELECT count(*) FROM updates") == statuses.count(200)
    rung = {chat for bell in web.bells.rung for chat in bell.chat_ids}
    assert rung == {number % 9 for number in range(600) if statuses[number] == 200}


async def test_w4_an_update_that_could_not_be_kept_is_kept_when_it_comes_again(web, owner):
    # Given a database that refuses to store for a moment
    await owner.execute("ALTER TABLE updates RENAME TO updates_elsewhere")
    assert await web.post_update(a_message(11)) == 503

    # When it is well again, and Telegram comes back
    await owner.execute("ALTER TABLE updates_elsewhere RENAME TO updates")
    status = await web.post_update(a_message(11))

    # Then the update is kept
    assert status == 200
    assert await owner.fetchval("SELECT update_id FROM updates") == 11


async def test_one_bad_row_of_a_shared_insert_hurts_only_itself(web, owner):
    # Given a database that refuses one certain body
    await owner.execute(
        "ALTER TABLE updates ADD CONSTRAINT no_poison CHECK (body NOT LIKE '%poison%')"
    )

    # When that one comes in the middle of 40 others
    texts = ["poison" if number == 20 else "fine" for number in range(41)]
    posts = [web.post_update(a_message(number, text=text)) for number, text in enumerate(texts)]
    statuses = await asyncio.gather(*posts)

    # Then it alone is refused, and for good
    assert [number for number, status in enumerate(statuses) if status != 200] == [20]
    assert statuses[20] == 400
    assert await owner.fetchval("SELECT count(*) FROM updates") == 40


async def test_an_update_comes_through_after_the_connections_were_cut(web, database, databases):
    # Given a process whose idle connections the server closed
    assert await web.post_update(a_message(1)) == 200
    await databases.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database.name}' AND application_name = 'kartina web'"
    )

    # When Telegram sends an update until it hears 200
    statuses = [await web.post_update(a_message(2)) for _ in range(3)]

    # Then it does, and hears at worst that it should come back
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}


@pytest.mark.parametrize(("language_code", "word"), [("ru", "Пополнение"), ("de", "Top-ups")])
async def test_a_pre_checkout_is_answered_at_once_and_kept_as_handled(
    web, owner, language_code, word
):
    # When Telegram asks whether an order may be paid
    status = await web.post_update(a_pre_checkout(language_code=language_code))

    # Then it was told no, in the user's language, and the update needs no handling
    assert status == 200
    (answer,) = web.telegram.named("answerPreCheckoutQuery")
    assert (answer["pre_checkout_query_id"], answer["ok"]) == ("q1", False)
    assert word in answer["error_message"]
    assert await owner.fetchval("SELECT handled_at IS NOT NULL FROM updates")
    assert web.bells.rung == []


async def test_a_pre_checkout_that_telegram_did_not_hear_answered_comes_again(database, owner):
    # Given a Telegram that loses the first answer
    telegram = ScriptedTelegram(answers={"answerPreCheckoutQuery": [TransientError("lost")]})
    async with ready_web(database.app_url, telegram=telegram) as web:
        # When it asks, then it is told to ask again, and nothing counts as handled
        assert await web.post_update(a_pre_checkout()) == 503
        assert await owner.fetchval("SELECT count(*) FROM updates") == 0

        # When it does, then that is that
        assert await web.post_update(a_pre_checkout()) == 200
        assert await owner.fetchval("SELECT count(*) FROM updates") == 1


async def test_a_pre_checkout_that_is_too_old_to_be_answered_is_done(database, owner):
    refusal = MessengerRefusedError("Bad Request: query is too old")
    telegram = ScriptedTelegram(answers={"answerPreCheckoutQuery": [refusal]})
    async with ready_web(database.app_url, telegram=telegram) as web:
        assert await web.post_update(a_pre_checkout()) == 200
    assert await owner.fetchval("SELECT handled_at IS NOT NULL FROM updates")


def test_an_update_is_read_no_deeper_than_needed():
    # Given an update whose irrelevant parts are of the wrong type
    envelope = read_update(b'{"update_id":5,"message":{"chat":{"id":7},"date":"x","text":[]}}')

    # Then it is read all the same
    assert (envelope.update.update_id, envelope.update.chat_id) == (5, 7)
    with pytest.raises(MalformedUpdateError, match="update_id"):
        read_update(b'{"message":{"chat":{"id":7}}}')
