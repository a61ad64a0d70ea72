"""Logs: one line an event, from whatever library, without a secret in any spelling."""

import io
import json
import logging
from urllib.parse import quote

import pytest
import structlog

from service.logging import SecretMask, secrets_of, set_up_logging
from tests.support.web_process import make_settings

TOKEN = "123456789:AAbbCCddEEffGGhhII"
PASSWORD = 'p@ss"w/rd'
VARIABLES = {
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "TELEGRAM_WEBHOOK_SECRET": "webhook-secret-1,webhook-secret-2",
    "KIE_API_KEY": "kie-api-key",
    "KIE_WEBHOOK_HMAC_KEY": "hmac-key-1,hmac-key-2",
}
DATABASE = f"postgresql://kartina:{quote(PASSWORD, safe='')}@db.example/kartina"


@pytest.fixture
def settings():
    return make_settings(DATABASE, LOG_FORMAT="json", **VARIABLES)


@pytest.fixture
def lines(settings):
    """Set logging up for one test, give what it writes, and put everything back."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logging(settings, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.configure(**before)


def test_an_event_is_one_line_with_its_fields(lines):
    # When an event is logged with bound context
    with structlog.contextvars.bound_contextvars(update_id=5):
        structlog.get_logger("service.flows").info("update_kept", chat_id=7)

    # Then it is one object with all of it
    (line,) = lines()
    assert (line["event"], line["chat_id"], line["update_id"]) == ("update_kept", 7, 5)
    assert (line["level"], line["logger"]) == ("info", "service.flows")
    assert line["timestamp"].endswith("Z")


def test_other_libraries_go_the_same_way_and_chatter_is_left_out(lines):
    # When libraries log by the standard way
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("dramatiq.worker").warning("lost %s", "a broker")
    logging.getLogger("somebody").info("said this")

    # Then what matters comes through the same pipeline
    assert [(line["logger"], line["event"]) for line in lines()] == [
        ("dramatiq.worker", "lost a broker"),
        ("somebody", "said this"),
    ]


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN, "webhook-secret-1", "webhook-secret-2", "kie-api-key", "hmac-key-1", "hmac-key-2",
        PASSWORD, DATABASE,
    ],
)  # fmt: skip
def test_no_secret_is_ever_written_in_any_spelling(lines, secret):
    # When a secret gets into an event, a field, a list, a message, a library's line, an error
    log = structlog.get_logger("test")
    coded = quote(secret, safe="")
    for spelling in {secret, quote(secret), coded, coded.replace("%3A", "%3a")}:
        log.info("event_with_fields", url=f"https://x/bot{spelling}/getMe", all=[spelling])
        log.info("event %s", spelling)
        logging.getLogger("aiohttp").error("failed at %s", spelling)
        try:
            raise_with(spelling)
        except ValueError:
            log.exception("event_failed")

    # Then no line holds it, and each line is whole
    assert lines()
    for line in lines():
        for value in strings_of(line):
            assert secret not in value
            assert quote(secret, safe="") not in value
            assert "***" in json.dumps(line)


def raise_with(text):
    raise ValueError(text)


def strings_of(value):
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from strings_of(part)
        case dict():
            for part in value.values():
                yield from strings_of(part)


def test_a_token_and_a_login_that_are_not_ours_are_masked_by_their_look():
    mask = SecretMask([])
    assert mask("at /bot987654321:AAbbCCddEEffGGhhIIjjKK/getMe") == "at /bot***/getMe"
    assert mask("at /bot987654321%3AAAbbCCddEEffGGhhIIjjKK/x") == "at /bot***/x"
    assert mask("amqp://user:word@host/ and 12:30:45") == "amqp://***@host/ and 12:30:45"


def test_what_is_no_secret_is_left_alone(settings):
    mask = SecretMask(secrets_of(settings))
    line = '{"update_id": 123456789, "event": "updates_kept", "at": "2026-03-01T12:00:00Z"}'
    assert mask(line) == line


def test_a_terminal_gets_readable_lines():
    # Given a terminal
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    terminal = Terminal()
    set_up_logging(make_settings(DATABASE, **VARIABLES), stream=terminal)

    # When an event is logged, then it is no JSON, and holds no secret either
    structlog.get_logger("test").info("web_started", address=DATABASE)
    assert "web_started" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert PASSWORD not in terminal.getvalue()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.configure(**before)
