"""The ways the product can be run: dry, with the built-in KIE stub, by polling Telegram."""

from service.bot.callbacks import Confirm
from service.stubs.telegram_messages import Button
from tests.support.orders import buy, spendable
from tests.support.rig import free_port, start_rig

QUICK = "[[latency:2]]"
#: Calls of the Bot API that change nothing.
READING = {"getUpdates", "getMe", "getWebhookInfo", "getMyCommands", "getFile"}


async def test_a_dry_run_writes_nothing_outside_and_gives_the_money_back(database, tmp_path):
    # Given the whole product as a dry run, reading Telegram's updates
    async with start_rig(database, tmp_path, DRY_RUN="1", PUBLIC_URL="") as rig:
        ann = rig.person()
        prompt = await ann.say("a dry duck")
        await rig.until("SELECT count(*) = 1 FROM quotes")
        before = await spendable(rig, ann)
        quote_id = await rig.fetchval("SELECT quote_id FROM quotes")

        # When the card is confirmed that was never sent
        await ann.press(Button("?", data=Confirm(quote_id=quote_id).pack()), prompt)

        # Then the generation fails with its reason, and the hold is released
        await rig.until("SELECT count(*) = 1 FROM generations WHERE state = 'failed'")
        assert await rig.fetchval("SELECT reason FROM generations") == "dry_run"
        assert await spendable(rig, ann) == before
        assert await rig.fetchval("SELECT count(*) FROM movements WHERE kind = 'release'") == 1
        # And no call that writes reached Telegram or KIE
        await rig.until("SELECT count(*) = 0 FROM outbox WHERE state = 'due'")
        assert {call.method for call in rig.telegram.calls} <= READING
        assert rig.kie.tasks == {}
        assert await rig.audit() == []


async def test_with_the_built_in_stub_no_key_is_needed(database, tmp_path):
    # Given KIE_STUB=1 and no KIE_API_KEY
    async with start_rig(
        database, tmp_path, KIE_STUB="1", KIE_API_KEY="", KIE_STUB_PORT=str(free_port())
    ) as rig:
        assert rig.settings.kie_api_key is None

        # When a picture is ordered
        order = await buy(rig, f"a stub starling {QUICK}")

        # Then the built-in stub makes it, not the one beside
        assert await order.end() == "completed"
        await order.delivered()
        assert len(order.pictures) == 1
        assert rig.kie.tasks == {}


async def test_without_a_public_address_telegram_is_polled_and_kie_is_told_no_address(
    database, tmp_path
):
    # Given no PUBLIC_URL
    async with start_rig(database, tmp_path, PUBLIC_URL="") as rig:
        # When a picture is ordered
        order = await buy(rig, f"a polled pelican {QUICK}")

        # Then it is delivered and paid, KIE was given no callback address, no webhook was set
        assert await order.end() == "completed"
        await order.delivered()
        (task,) = rig.kie.tasks.values()
        assert task.callback_url is None
        assert "setWebhook" not in {call.method for call in rig.telegram.calls}
        assert await rig.fetchval("SELECT count(*) FROM callbacks") == 0
        assert await rig.audit() == []
