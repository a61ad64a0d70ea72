"""Our Bot API client: what it sends, what each answer means, and that the token stays inside."""

import traceback
from datetime import timedelta

import pytest
import structlog

from service.errors import PermanentError, TransientError
from service.gateways.telegram import TelegramClient
from service.ports import Messenger, MessengerRefusedError, UnreachableError, Upload
from service.stubs.telegram_person import make_picture
from service.stubs.telegram_server import TelegramStub
from tests.contracts.canned_peer import canned_peer

TOKEN = "7000000001:stub-token"
CHAT = 42
HELLO = {"chat_id": CHAT, "text": "hello"}


@pytest.fixture
async def stub():
    async with TelegramStub() as running:
        running.person(CHAT)
        yield running


@pytest.fixture
async def peer():
    async with canned_peer() as running:
        yield running


@pytest.fixture
async def client(stub):
    async with TelegramClient(stub.url, TOKEN) as made:
        yield made


@pytest.fixture
async def canned_client(peer):
    async with TelegramClient(peer.url, TOKEN, call_s=0.5) as made:
        yield made


async def test_the_client_is_a_messenger(client):
    # Given the port, When asked, Then the client keeps its shape
    assert isinstance(client, Messenger)


async def test_a_message_arrives_with_its_keyboard_and_without_what_is_none(client, stub):
    # Given a message with a nested object and a parameter that is None
    keyboard = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}

    # When it is sent
    sent = await client.call(
        "sendMessage", {**HELLO, "text": "приве́т 🎨", "parse_mode": None, "reply_markup": keyboard}
    )

    # Then Telegram gives the message and has shown it
    assert sent["text"] == "приве́т 🎨"
    call = await stub.wait_for_call("sendMessage")
    assert "parse_mode" not in call.parameters
    assert sent["reply_markup"] == keyboard


@pytest.mark.parametrize("name", ["picture", "photo"])
async def test_a_file_goes_with_the_call_under_any_name(client, tmp_path, name):
    # Given a picture on disk, referred to by a name of its own or by its parameter's
    path = tmp_path / "kept.png"
    path.write_bytes(make_picture())

    # When it is sent
    sent = await client.call(
        "sendPhoto",
        {"chat_id": CHAT, "photo": f"attach://{name}", "caption": "<b>5 ₽</b>",
         "parse_mode": "HTML", "reply_markup": {"inline_keyboard": []}},
        files={name: Upload(path, "result.png")},
    )  # fmt: skip

    # Then Telegram has it
    assert sent["photo"]
    assert sent["caption"] == "5 ₽"


async def test_an_album_goes_out_in_one_call(client, tmp_path):
    # Given two pictures
    files = {}
    for name in ("one", "two"):
        path = tmp_path / name
        path.write_bytes(make_picture())
        files[name] = Upload(path, f"{name}.png")

    # When they are sent as an album
    media = [{"type": "photo", "media": f"attach://{name}"} for name in files]
    sent = await client.call("sendMediaGroup", {"chat_id": CHAT, "media": media}, files=files)

    # Then it is two messages
    assert len(sent) == 2


async def test_a_file_that_is_gone_is_refused_before_anything_is_sent(client, stub, tmp_path):
    # Given a file that was never there
    files = {"photo": Upload(tmp_path / "gone.png", "gone.png")}

    # When it is sent, Then it is refused by us
    with pytest.raises(MessengerRefusedError, match=r"gone\.png"):
        await client.call("sendPhoto", {"chat_id": CHAT, "photo": "attach://photo"}, files=files)
    assert stub.calls == []


async def test_too_many_requests_names_the_time_to_wait(client, stub):
    # Given a Telegram that asks to wait
    stub.faults.too_many_requests(retry_after_s=7)

    # When a message is sent
    with pytest.raises(TransientError) as caught:
        await client.call("sendMessage", HELLO)

    # Then the time is known
    assert caught.value.retry_after == timedelta(seconds=7)


async def test_a_person_who_blocked_the_bot_is_unreachable(client, stub):
    # Given a person who blocks the bot
    stub.person(CHAT).block()

    # When a message is sent, Then the person is unreachable
    with pytest.raises(UnreachableError, match="blocked"):
        await client.call("sendMessage", HELLO)


async def test_a_chat_nobody_knows_is_unreachable(client):
    # Given a chat that does not exist, When a message is sent, Then it is unreachable
    with pytest.raises(UnreachableError, match="chat not found"):
        await client.call("sendMessage", {"chat_id": 999, "text": "hello"})


async def test_a_refusal_keeps_telegrams_words(client):
    # Given an unchanged edit
    sent = await client.call("sendMessage", HELLO)
    same = {**HELLO, "message_id": sent["message_id"]}

    # When it is made
    with pytest.raises(MessengerRefusedError) as caught:
        await client.call("editMessageText", same)

    # Then the caller can tell that it is harmless
    assert "message is not modified" in caught.value.description


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (400, "Bad Request: can't parse entities: oops", MessengerRefusedError),
        (400, "Bad Request: USER_IS_BLOCKED", UnreachableError),
        (401, "Unauthorized", MessengerRefusedError),
        (403, "Forbidden: user is deactivated", UnreachableError),
        (403, "Forbidden: bot can't initiate conversation with a user", UnreachableError),
        (404, "Not Found: method not found", MessengerRefusedError),
        (409, "Conflict: terminated by other getUpdates request", MessengerRefusedError),
        (413, "Request Entity Too Large", MessengerRefusedError),
        (429, "Too Many Requests: retry later", TransientError),
        (500, "Internal Server Error", TransientError),
        (502, "Bad Gateway", TransientError),
    ],
)
async def test_each_refusal_has_its_class(canned_client, peer, status, description, expected):
    # Given a Telegram that refuses
    peer.say(status, {"ok": False, "error_code": status, "description": description})

    # When a call is made, Then its error is of the class that says what to do
    with pytest.raises(expected) as caught:
        await canned_client.call("sendMessage", HELLO)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, "<html>Bad Gateway</html>"),
        (200, "<html>hello</html>"),
        (200, b"\xff\xfe"),
        (200, "[]"),
        (200, "null"),
        (200, '{"ok": 1}'),
        (200, "[" * 100_000),
        (302, ""),
        (403, "blocked by a gateway"),
    ],
)
async def test_an_answer_without_sense_may_be_tried_again(canned_client, peer, status, body):
    # Given something in front of Telegram that answers in its own way
    peer.say(status, body, Location=f"{peer.url}/elsewhere")

    # When a call is made, Then it is transient, and no redirect was followed
    with pytest.raises(TransientError):
        await canned_client.call("sendMessage", HELLO)
    assert len(peer.requests) == 1


async def test_a_cut_and_a_silence_are_transient_and_sent_once(canned_client, peer):
    # Given a peer that cuts the first call and never answers the second
    peer.cut()

    # When both are made, Then both are transient and neither was repeated
    for _ in range(2):
        with pytest.raises(TransientError):
            await canned_client.call("sendMessage", HELLO)
    assert len(peer.requests) == 2


async def test_a_poll_may_last_as_long_as_it_asked_to(peer, stub):
    # Given a client whose ordinary calls are short, and nothing to fetch for a while
    async with TelegramClient(stub.url, TOKEN, call_s=0.05) as client:
        # When it polls for longer than an ordinary call may last
        updates = await client.call("getUpdates", {"timeout": 1})

    # Then that is an answer
    assert updates == []


async def test_the_token_is_in_no_error_nor_its_causes(peer, stub, tmp_path):
    # Given every way a call can fail, a wrong address included
    wrong = [peer.url, "http://127.0.0.1:1", "http://no-such-host.invalid", "http://[::bad", "x y"]
    peer.cut()
    texts = []

    # When each fails
    for address in [*wrong, stub.url]:
        async with TelegramClient(address, TOKEN, call_s=0.5) as client:
            with pytest.raises((TransientError, PermanentError)) as caught:
                await client.call("sendMessage", {"chat_id": 999, "text": "x"})
            texts += ["".join(traceback.format_exception(caught.value)), repr(client)]
            texts.append(repr(caught.value.__context__))

    # Then no text holds the token
    assert len(texts) == 18
    assert not any("stub-token" in text for text in texts)


async def test_dry_run_reads_but_writes_nothing(stub):
    # Given a client that must not write
    async with TelegramClient(stub.url, TOKEN, dry_run=True) as client:
        # When it reads and writes
        with structlog.testing.capture_logs() as events:
            me = await client.call("getMe", {})
            sent = await client.call("sendMessage", HELLO)
            album = await client.call("sendMediaGroup", {"chat_id": CHAT, "media": [{}, {}]})
            answered = await client.call("answerCallbackQuery", {"callback_query_id": "1"})

    # Then only the read arrived, the rest is plausible, and the log holds no payload
    assert me["is_bot"] is True
    assert [call.method for call in stub.calls] == ["getMe"]
    assert sent["message_id"] == 0
    assert sent["chat"]["id"] == CHAT
    assert len(album) == 2
    assert answered is True
    assert [event["event"] for event in events] == ["dry_run_call"] * 3
    assert events[0] == {
        "event": "dry_run_call", "peer": "telegram", "method": "sendMessage", "log_level": "info",
    }  # fmt: skip


async def test_each_call_is_observed_with_its_outcome(peer):
    # Given an observer and four kinds of answer
    seen = []
    peer.say(200, {"ok": True, "result": True})
    peer.say(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 3}})
    peer.say(403, {"ok": False, "error_code": 403, "description": "Forbidden: blocked"})
    peer.say(400, {"ok": False, "error_code": 400, "description": "Bad Request: no"})
    peer.cut()

    # When five calls are made
    async with TelegramClient(
        peer.url, TOKEN, observe=lambda *call: seen.append(call[:3])
    ) as client:
        for _ in range(5):
            try:
                await client.call("sendMessage", HELLO)
            except (TransientError, PermanentError):
                continue

    # Then each was counted under its outcome
    assert {call[:2] for call in seen} == {("telegram", "sendMessage")}
    assert [call[2] for call in seen] == ["ok", "busy", "unreachable", "refused", "away"]
