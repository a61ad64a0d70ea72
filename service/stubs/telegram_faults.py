"""Faults on demand: refusals, hangs and cut connections for chosen chats and methods."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from service.stubs.telegram_errors import BotApiError, forbidden, too_many_requests
from service.stubs.telegram_parameters import Parameters

_UPDATES_METHOD = "getupdates"


class FaultKind(StrEnum):
    """What goes wrong, and whether the call takes effect before it does."""

    REFUSE = "refuse"
    HANG_BEFORE = "hang_before"
    HANG_AFTER = "hang_after"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"


@dataclass(slots=True)
class Fault:
    """One planned fault; it strikes the next `times` calls that match."""

    kind: FaultKind
    times: int = 1
    method: str | None = None
    chat_id: int | None = None
    refusal: BotApiError | None = None
    delay_s: float | None = None
    struck: int = 0

    def matches(self, method: str, parameters: Parameters) -> bool:
        """Whether it strikes this call; a poll is struck only when it is named."""
        if self.struck >= self.times:
            return False
        if self.method is None and method.lower() == _UPDATES_METHOD:
            return False
        if self.method is not None and self.method.lower() != method.lower():
            return False
        return self.chat_id is None or parameters.text("chat_id") == str(self.chat_id)


class Faults:
    """The faults that are planned, oldest first."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._released = asyncio.Event()

    def too_many_requests(
        self,
        *,
        retry_after_s: int = 1,
        method: str | None = None,
        chat_id: int | None = None,
        times: int = 1,
    ) -> Fault:
        """429 with the seconds to wait."""
        refusal = too_many_requests(retry_after_s)
        return self.add(Fault(FaultKind.REFUSE, times, method, chat_id, refusal))

    def blocked(
        self, *, method: str | None = None, chat_id: int | None = None, times: int = 1
    ) -> Fault:
        """403 as if the person had blocked the bot."""
        refusal = forbidden("bot was blocked by the user")
        return self.add(Fault(FaultKind.REFUSE, times, method, chat_id, refusal))

    def server_error(
        self,
        *,
        status: int = 502,
        method: str | None = None,
        chat_id: int | None = None,
        times: int = 1,
    ) -> Fault:
        """A 5xx; the call takes no effect, but the caller can't know that."""
        text = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Timeout"}
        refusal = BotApiError(status, text.get(status, "Service Unavailable"))
        return self.add(Fault(FaultKind.REFUSE, times, method, chat_id, refusal))

    def refuse(
        self,
        status: int,
        description: str,
        *,
        method: str | None = None,
        chat_id: int | None = None,
        times: int = 1,
    ) -> Fault:
        """Any refusal, worded by the caller."""
        refusal = BotApiError(status, description)
        return self.add(Fault(FaultKind.REFUSE, times, method, chat_id, refusal))

    def hang(
        self,
        *,
        delay_s: float | None = None,
        after_effect: bool = False,
        method: str | None = None,
        chat_id: int | None = None,
        times: int = 1,
    ) -> Fault:
        """No answer for a time, or until `clear` when no time is named."""
        kind = FaultKind.HANG_AFTER if after_effect else FaultKind.HANG_BEFORE
        return self.add(Fault(kind, times, method, chat_id, delay_s=delay_s))

    def cut_before(
        self, *, method: str | None = None, chat_id: int | None = None, times: int = 1
    ) -> Fault:
        """The connection is cut and the call takes no effect."""
        return self.add(Fault(FaultKind.CUT_BEFORE, times, method, chat_id))

    def cut_after(
        self, *, method: str | None = None, chat_id: int | None = None, times: int = 1
    ) -> Fault:
        """The connection is cut after the call took effect."""
        return self.add(Fault(FaultKind.CUT_AFTER, times, method, chat_id))

    def add(self, fault: Fault) -> Fault:
        """Plan a fault; its `struck` counts how often it came."""
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget planned faults and let hanging calls go on."""
        self._planned.clear()
        self._released.set()
        self._released = asyncio.Event()

    def take(self, method: str, parameters: Parameters) -> Fault | None:
        """The fault that strikes this call."""
        for fault in self._planned:
            if fault.matches(method, parameters):
                fault.struck += 1
                if fault.struck == fault.times:
                    self._planned.remove(fault)
                return fault
        return None

    async def hold(self, fault: Fault) -> None:
        """Wait as long as a hanging fault lasts."""
        released = self._released
        try:
            async with asyncio.timeout(fault.delay_s):
                await released.wait()
        except TimeoutError:
            return


PLANS: dict[str, Callable[..., object]] = {
    "too_many_requests": Faults.too_many_requests,
    "blocked": Faults.blocked,
    "server_error": Faults.server_error,
    "refuse": Faults.refuse,
    "hang": Faults.hang,
    "cut_before": Faults.cut_before,
    "cut_after": Faults.cut_after,
}
