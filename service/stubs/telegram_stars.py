"""Telegram Stars: invoices, charges, refunds and the bot's balance."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from service.stubs.telegram_errors import bad_request

JsonObject = dict[str, Any]

MONTH_S = 2_592_000
_CHARGE_BYTES = 108  # Spelled in base64 this makes ids longer than 128 characters.


@dataclass(frozen=True, slots=True)
class Invoice:
    """What can be bought, from a message or from a link."""

    title: str
    description: str
    payload: str
    amount_stars: int
    start_parameter: str = ""
    is_subscription: bool = False

    def as_field(self) -> JsonObject:
        """The invoice as a Message shows it."""
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": self.start_parameter,
            "currency": "XTR",
            "total_amount": self.amount_stars,
        }


@dataclass(slots=True)
class Charge:
    """One payment that went through."""

    charge_id: str
    invoice: Invoice
    user: JsonObject
    paid_at: int
    number: int
    is_refunded: bool = False
    is_canceled: bool = False
    # Where the Stars go back to.
    on_refund: Callable[[int], None] = lambda _: None

    def as_payment(self, *, is_first: bool = True) -> JsonObject:
        """The successful_payment of a message; flags are there only when true."""
        payment = self.as_refund() | {
            "provider_payment_charge_id": f"{self.user['id']}_{self.number}",
        }
        if self.invoice.is_subscription:
            payment |= {
                "is_recurring": True,
                "subscription_expiration_date": self.paid_at + MONTH_S,
            }
        if self.invoice.is_subscription and is_first:
            payment["is_first_recurring"] = True
        return payment

    def as_refund(self) -> JsonObject:
        """The refunded_payment of a message."""
        return {
            "currency": "XTR",
            "total_amount": self.invoice.amount_stars,
            "invoice_payload": self.invoice.payload,
            "telegram_payment_charge_id": self.charge_id,
        }


@dataclass(slots=True)
class StarLedger:
    """The bot's account in Stars."""

    random: Random
    balance_stars: int = 0
    charges: dict[str, Charge] = field(default_factory=dict)
    transactions: list[JsonObject] = field(default_factory=list)
    links: dict[str, Invoice] = field(default_factory=dict)
    invoices: dict[int, Invoice] = field(default_factory=dict)

    def link(self, invoice: Invoice) -> str:
        """A new link anybody can pay, any number of times."""
        url = f"https://t.me/${self._spell(12)}"
        self.links[url] = invoice
        return url

    def charge(self, invoice: Invoice, user: JsonObject) -> Charge:
        """Book a payment of this person."""
        charge_id = f"stx{self._spell(_CHARGE_BYTES)}"
        charge = Charge(charge_id, invoice, user, int(time.time()), len(self.charges))
        self.charges[charge_id] = charge
        self.balance_stars += invoice.amount_stars
        self._book(charge, "source")
        return charge

    def refund(self, charge_id: str, user_id: int) -> Charge:
        """Give a whole payment back, once."""
        charge = self.find(charge_id, user_id)
        if charge.is_refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")
        if charge.invoice.amount_stars > self.balance_stars:
            raise bad_request("BALANCE_TOO_LOW")
        return self.reverse(charge)

    def reverse(self, charge: Charge) -> Charge:
        """Take a payment back whatever the balance, as Telegram itself may do."""
        charge.is_refunded = True
        self.balance_stars -= charge.invoice.amount_stars
        charge.on_refund(charge.invoice.amount_stars)
        self._book(charge, "receiver")
        return charge

    def find(self, charge_id: str, user_id: int) -> Charge:
        """The charge of this person."""
        charge = self.charges.get(charge_id)
        if charge is None or charge.user["id"] != user_id:
            raise bad_request("CHARGE_ID_INVALID")
        return charge

    def _book(self, charge: Charge, side: str) -> None:
        partner: JsonObject = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": charge.user,
            "invoice_payload": charge.invoice.payload,
        }
        if charge.invoice.is_subscription:
            partner["subscription_period"] = MONTH_S
        self.transactions.append(
            {
                "id": charge.charge_id,
                "amount": charge.invoice.amount_stars,
                "date": int(time.time()),
                side: partner,
            }
        )

    def _spell(self, count: int) -> str:
        return base64.urlsafe_b64encode(self.random.randbytes(count)).decode()
