"""Methods of the Bot API about Telegram Stars."""

from collections.abc import Callable
from typing import Any

from service.stubs.telegram_errors import bad_request
from service.stubs.telegram_keyboards import Markup, read_markup
from service.stubs.telegram_parameters import Parameters
from service.stubs.telegram_sending import put
from service.stubs.telegram_stars import MONTH_S, Charge, Invoice
from service.stubs.telegram_world import World

JsonObject = dict[str, Any]

MAX_TITLE_CHARACTERS = 32
MAX_DESCRIPTION_CHARACTERS = 255
MAX_PAYLOAD_BYTES = 128
MAX_SUBSCRIPTION_STARS = 10_000
_MAX_TRANSACTIONS = 100


def send_invoice(world: World, call: Parameters) -> JsonObject:
    """Put a message with a Pay button into a chat."""
    chat = world.open_chat(call.text("chat_id"))
    invoice = _read_invoice(call)
    if call.text("subscription_period"):
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    markup = read_markup(call.tree("reply_markup"), is_invoice=True)
    if not markup.inline:
        label = f"Pay {invoice.amount_stars} XTR"
        markup = Markup(inline=[[{"text": label, "pay": True}]])
    message = put(world, call, chat, {"invoice": invoice.as_field()}, markup=markup)
    world.stars.invoices[message.message_id] = invoice
    return message.raw


def create_invoice_link(world: World, call: Parameters) -> str:
    """A link that anybody may pay."""
    return world.stars.link(_read_invoice(call))


def answer_pre_checkout_query(world: World, call: Parameters) -> bool:
    """Let a payment go on, or stop it with a reason."""
    is_ok = call.flag("ok")
    error_message = call.text("error_message")
    if not is_ok and not error_message:
        raise bad_request("error message must be non-empty")
    answer = {"ok": is_ok, "error_message": error_message}
    world.answer("pre_checkout", call.text("pre_checkout_query_id"), answer)
    return True


def refund_star_payment(world: World, call: Parameters) -> bool:
    """Give a payment back, once; the bot hears of it by refunded_payment."""
    charge = world.stars.refund(call.text("telegram_payment_charge_id"), call.whole("user_id"))
    announce_refund(world, charge)
    return True


def get_star_transactions(world: World, call: Parameters) -> JsonObject:
    """A page of the bot's transactions, oldest first."""
    offset = max(0, call.whole("offset"))
    limit = min(max(1, call.whole("limit", _MAX_TRANSACTIONS)), _MAX_TRANSACTIONS)
    return {"transactions": world.stars.transactions[offset : offset + limit]}


def get_my_star_balance(world: World, _call: Parameters) -> JsonObject:
    """The bot's Stars."""
    return {"amount": world.stars.balance_stars}


def edit_user_star_subscription(world: World, call: Parameters) -> bool:
    """Stop a subscription's renewal, or let the person switch it on again."""
    charge = world.stars.find(call.text("telegram_payment_charge_id"), call.whole("user_id"))
    if not charge.invoice.is_subscription:
        raise bad_request("CHARGE_ID_INVALID")
    charge.is_canceled = call.flag("is_canceled")
    return True


def announce_refund(world: World, charge: Charge) -> None:
    """Put the refund's service message into the person's chat and tell the bot."""
    chat = world.chats[charge.user["id"]]
    fields = {"refunded_payment": charge.as_refund()}
    message = world.post(chat, fields, sender=world.bot)
    world.updates.offer("message", message.raw)


def _read_invoice(call: Parameters) -> Invoice:
    """An invoice in Stars by Telegram's rules."""
    title, description = call.text("title"), call.text("description")
    if not 0 < len(title) <= MAX_TITLE_CHARACTERS:
        raise bad_request("TITLE_INVALID")
    if not 0 < len(description) <= MAX_DESCRIPTION_CHARACTERS:
        raise bad_request("DESCRIPTION_INVALID")
    payload = call.text("payload")
    if not 0 < len(payload.encode()) <= MAX_PAYLOAD_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if call.text("currency") != "XTR":
        raise bad_request("CURRENCY_INVALID")
    has_tips = call.whole("max_tip_amount") or call.tree("suggested_tip_amounts")
    if call.text("provider_token") or has_tips:
        raise bad_request("STARS_INVOICE_INVALID")
    amount_stars = _read_price(call.tree("prices"))
    is_subscription = _read_subscription(call, amount_stars)
    start_parameter = call.text("start_parameter")
    return Invoice(title, description, payload, amount_stars, start_parameter, is_subscription)


def _read_price(prices: Any) -> int:
    """The only price of an invoice in Stars."""
    if not isinstance(prices, list) or len(prices) != 1 or not isinstance(prices[0], dict):
        raise bad_request("STARS_INVOICE_INVALID")
    label, amount = prices[0].get("label"), prices[0].get("amount")
    if not isinstance(label, str) or not label:
        raise bad_request('can\'t parse labeled price: field "label" must be non-empty')
    if isinstance(amount, str) and amount.isdecimal():
        amount = int(amount)
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise bad_request("STARS_INVOICE_INVALID")
    return amount


def _read_subscription(call: Parameters, amount_stars: int) -> bool:
    """Whether the invoice renews itself; only every 30 days and up to a price."""
    if not call.text("subscription_period"):
        return False
    if call.whole("subscription_period") != MONTH_S:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    if amount_stars > MAX_SUBSCRIPTION_STARS:
        raise bad_request("STARS_INVOICE_INVALID")
    return True


METHODS: dict[str, Callable[[World, Parameters], Any]] = {
    "sendInvoice": send_invoice,
    "createInvoiceLink": create_invoice_link,
    "answerPreCheckoutQuery": answer_pre_checkout_query,
    "refundStarPayment": refund_star_payment,
    "getStarTransactions": get_star_transactions,
    "getMyStarBalance": get_my_star_balance,
    "editUserStarSubscription": edit_user_star_subscription,
}
