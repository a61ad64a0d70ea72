"""What a user's money must be after any sequence of steps: plain Python, no database."""

from dataclasses import dataclass, field


@dataclass
class TaskModel:
    """What a task holds of each kind of money."""

    bonus: int
    available: int

    @property
    def price(self):
        return self.bonus + self.available


@dataclass
class UserModel:
    """What a user must have, and what their statement must say, oldest first."""

    available: int = 0
    bonus: int = 0
    welcome: int = 0
    open_tasks: dict[int, TaskModel] = field(default_factory=dict)
    settled_tasks: list[int] = field(default_factory=list)
    statement: list[tuple[str, int]] = field(default_factory=list)

    @property
    def spendable(self):
        return self.available + self.bonus

    @property
    def held(self):
        return sum(task.price for task in self.open_tasks.values())

    def first_missing(self, prices):
        """Give what is missing at the first task that can't be paid; 0 when all can."""
        left = self.spendable
        for price in prices:
            if price > left:
                return price - left
            left -= price
        return 0

    def hold(self, task_id, price):
        bonus = min(self.bonus, price)
        self.open_tasks[task_id] = TaskModel(bonus, price - bonus)
        self.bonus -= bonus
        self.available -= price - bonus
        self.statement += [("hold", part) for part in (bonus, price - bonus) if part]

    def settle(self, task_id, capture):
        task = self.open_tasks.pop(task_id)
        self.settled_tasks.append(task_id)
        for kind in ("bonus", "available"):
            held = getattr(task, kind)
            taken = min(held, capture)
            capture -= taken
            setattr(self, kind, getattr(self, kind) + held - taken)
            self.statement += [
                (name, part)
                for name, part in (("release", held - taken), ("capture", taken))
                if part
            ]
