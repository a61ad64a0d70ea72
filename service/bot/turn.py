"""What a handler is given: one update's transaction, who wrote, and where the talk stands."""

from dataclasses import dataclass, replace
from typing import Any

from service.bot.draft import Draft
from service.domain.catalogue import Model
from service.domain.money import Kopecks, format_rubles
from service.flows.deps import Deps
from service.store import generations, users
from service.store.pool import Db
from service.store.users import Conversation, User
from service.texts import text


@dataclass(slots=True)
class Turn:
    """One update being handled; everything changed here is committed with it, or not at all."""

    db: Db
    deps: Deps
    user: User
    conversation: Conversation
    update_id: int
    gone: frozenset[str] = frozenset()  # models taken off sale at run time
    left: str | None = None  # the question that this update walked away from

    @property
    def locale(self) -> str:
        """Give the language the user is spoken to."""
        return self.user.language

    def say(self, key: str, **values: Any) -> str:
        """Find the words in the user's language."""
        return text(key, self.locale, **values)

    def money(self, amount: Kopecks) -> str:
        """Write an amount as the user's language does."""
        return format_rubles(amount, self.locale)

    @property
    def draft(self) -> Draft:
        """Give the picture being composed."""
        return Draft.of(self.conversation.draft, self.deps.catalogue, self.gone)

    @property
    def model(self) -> Model:
        """Give the draft's model."""
        return self.deps.catalogue.by_id[self.draft.model_id]

    async def reload_user(self) -> None:
        """Read the user anew after a change."""
        user = await users.get(self.db, self.user.user_id)
        assert user is not None, "the user was met in this transaction"
        self.user = user

    async def load_gone(self) -> None:
        """Learn which models are off sale now."""
        self.gone = await generations.list_switched_off(self.db)

    async def keep_draft(self, draft: Draft, *, waiting_for: str | None = None) -> None:
        """Keep the draft, and what the next text answers (None: it is a prompt)."""
        await self._keep(Conversation(waiting_for=waiting_for, draft=draft.stored()))

    async def wait_for(self, waiting_for: str | None) -> None:
        """Keep what the next text answers."""
        if waiting_for != self.conversation.waiting_for:
            await self._keep(replace(self.conversation, waiting_for=waiting_for))

    async def leave_question(self) -> None:
        """Forget what was asked: a button or a command is no answer to it."""
        self.left = self.conversation.waiting_for
        await self.wait_for(None)

    async def _keep(self, conversation: Conversation) -> None:
        self.conversation = conversation
        await users.keep_conversation(self.db, self.user.user_id, conversation, now=self.deps.now())
