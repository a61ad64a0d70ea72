"""A person's wallet: paying an invoice the way Telegram walks through it."""

import time
from dataclasses import dataclass
from typing import Any

from service.stubs.telegram_messages import ChatMessage
from service.stubs.telegram_paying import announce_refund
from service.stubs.telegram_stars import Charge, Invoice
from service.stubs.telegram_world import Chat, World

JsonObject = dict[str, Any]

CHECKOUT_LIMIT_S = 10.0
_FIRST_STARS = 100_000


@dataclass(frozen=True, slots=True)
class Payment:
    """How paying ended: paid, declined, timed_out or too_few_stars."""

    outcome: str
    charge_id: str | None = None
    error_message: str = ""


class Wallet:
    """Stars of one person."""

    def __init__(self, world: World, chat: Chat, user: JsonObject) -> None:
        self.stars = _FIRST_STARS
        self._world = world
        self._chat = chat
        self._user = user

    async def pay(self, what: ChatMessage | str) -> Payment:
        """Pay an invoice message or link; returns when the payment went through or did not.

        The bot is asked first and must say yes within 10 s; only then the Stars move.
        """
        invoice = self._invoice(what)
        if invoice.amount_stars > self.stars:
            return Payment("too_few_stars")
        question = self._world.ask("pre_checkout", self._chat)
        limit_s = CHECKOUT_LIMIT_S * self._world.time_factor
        question.expires_at = min(question.expires_at, time.monotonic() + limit_s)
        query: JsonObject = {
            "id": question.question_id,
            "from": self._user,
            "currency": "XTR",
            "total_amount": invoice.amount_stars,
            "invoice_payload": invoice.payload,
        }
        self._world.updates.offer("pre_checkout_query", query)
        try:
            answer = await self._chat.watchers.until(
                lambda: question.answer, timeout_s=limit_s, what="the pre-checkout answer"
            )
        except TimeoutError:
            return Payment("timed_out")
        if not answer["ok"]:
            return Payment("declined", error_message=answer["error_message"])
        return Payment("paid", self._settle(invoice).charge_id)

    def renew(self, charge_id: str) -> Payment:
        """Pay a subscription's next month; the bot is not asked."""
        charge = self._world.stars.find(charge_id, self._user["id"])
        if charge.is_canceled or charge.invoice.amount_stars > self.stars:
            self.change_subscription(charge_id, "canceled" if charge.is_canceled else "failed")
            return Payment("declined")
        return Payment("paid", self._settle(charge.invoice, is_first=False).charge_id)

    def change_subscription(self, charge_id: str, state: str) -> None:
        """Cancel a subscription or switch it on again; the bot hears so."""
        charge = self._world.stars.find(charge_id, self._user["id"])
        charge.is_canceled = state == "canceled"
        change: JsonObject = {
            "user": self._user,
            "invoice_payload": charge.invoice.payload,
            "state": state,
        }
        self._world.updates.offer("subscription", change)

    def charge_back(self, charge_id: str) -> None:
        """Have Telegram or a store reverse a payment, whatever the bot thinks of it."""
        charge = self._world.stars.find(charge_id, self._user["id"])
        announce_refund(self._world, self._world.stars.reverse(charge))

    def _settle(self, invoice: Invoice, *, is_first: bool = True) -> Charge:
        self.stars -= invoice.amount_stars
        charge = self._world.stars.charge(invoice, self._user)
        charge.on_refund = self._receive
        fields = {"successful_payment": charge.as_payment(is_first=is_first)}
        message = self._world.post(self._chat, fields, sender=self._user)
        self._world.updates.offer("message", message.raw)
        return charge

    def _receive(self, amount_stars: int) -> None:
        self.stars += amount_stars

    def _invoice(self, what: ChatMessage | str) -> Invoice:
        stars = self._world.stars
        if isinstance(what, str):
            invoice = stars.links.get(what)
        else:
            invoice = stars.invoices.get(what.message_id)
        if invoice is None:
            raise LookupError(f"nothing to pay in {what!r}")
        return invoice
