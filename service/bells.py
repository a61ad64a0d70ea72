"""What may be rung: a bell says "look at these rows now" and carries nothing but their ids."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True)
class HandleChats:
    """These chats have updates to handle or messages to be said."""

    queue: ClassVar[str] = "chats"
    chat_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SubmitTasks:
    """Tasks wait to be submitted to KIE."""

    queue: ClassVar[str] = "tasks"


@dataclass(frozen=True, slots=True)
class SettleTasks:
    """KIE may know more of these tasks than we do."""

    queue: ClassVar[str] = "tasks"
    task_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeliverResults:
    """These deliveries are due."""

    queue: ClassVar[str] = "deliveries"
    delivery_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProbeProvider:
    """KIE was away: ask whether it answers again."""

    queue: ClassVar[str] = "tasks"


Bell: TypeAlias = HandleChats | SubmitTasks | SettleTasks | DeliverResults | ProbeProvider
BELLS: tuple[type[Bell], ...] = (
    HandleChats, SubmitTasks, SettleTasks, DeliverResults, ProbeProvider,
)  # fmt: skip


@runtime_checkable
class Bells(Protocol):
    """Rings bells. A bell may be lost: the sweeper rings for every row that nobody moves."""

    def ring_soon(self, bell: Bell) -> None:
        """Ring without waiting, and without raising."""
