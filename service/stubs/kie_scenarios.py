"""What can go wrong at KIE: the numbered rows of the fact sheet, and which task gets which."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

Stage = Literal["create", "record", "outcome", "callback", "result", "shape", "always"]


@dataclass(frozen=True)
class Row:
    """One misbehaviour: its variants (the first is the default) and how often it shows itself.

    `times` counts identical createTask bodies, polls or downloads, by stage; 0 is "every time".
    A row with `free` takes any value of that pattern, for instance a number of seconds.
    """

    name: str
    stage: Stage
    summary: str
    variants: tuple[str, ...] = ("on",)
    times: int = 0
    free: str = ""


@dataclass(frozen=True)
class Scenario:
    """One row with its variant, as chosen for one task."""

    name: str
    variant: str
    times: int

    def shows_at(self, turn: int) -> bool:
        """Tell whether the misbehaviour still shows itself at this turn (counted from 1)."""
        return self.times == 0 or turn <= self.times


_FAIL = "fail"
_SECONDS = r"\d{1,6}(\.\d{1,3})?"
_SIZE = r"\d{1,9}(\.\d{1,6})?(B|KB|MB|MiB)"

_ALL_ROWS = (
    Row("T1", "create", "HTTP 200 with an error code in the body", ("create", "record"), 1),
    Row("T2", "record", "429 inside HTTP 200 while polling", times=3),
    Row("T3", "create", "real HTTP 429 for createTask", ("retry_after", "bare"), 2),
    Row("T4", "record", "recordInfo allows this task one poll a second, else 429"),
    Row("T5", "create", "500 for a field against 500 for the server", ("field", "server")),
    Row("T6", "create", "no credit, in four spellings", ("402", "429", "500", "late")),
    Row("T7", "record", "recordInfo is null right after create", times=2),
    Row("T8", "record", "data null with code 200", times=2),
    Row(
        "T9", "outcome", "stuck; 408 and fail end it late", ("generating", "waiting", "408", _FAIL)
    ),
    Row("T10", "callback", "the callback never comes"),
    Row("T11", "callback", "the callback is late by so many seconds", ("120",), free=_SECONDS),
    Row("T12", "callback", "the callback comes again", ("2", "3", "together")),
    Row("T13", "callback", "before createTask's answer, or for no task", ("early", "unknown")),
    Row("T14", "callback", "the id stands elsewhere in the callback", ("task_id", "top")),
    Row(
        "T15",
        "callback",
        "signatures: right, wrong, old, none, or right over a changed body",
        ("wrong", "right", "old", "missing", "changed"),
    ),
    Row("T16", "callback", "the receiver's answers count as errors or hanging", ("500", "hang")),
    Row(
        "T17",
        "shape",
        "success without usable resultJson",
        ("empty", "braces", "null", "broken", "no_urls", "none"),
    ),
    Row(
        "T18",
        "shape",
        "resultJson as an object, or the URL under another key",
        ("object", "resultObject", "resultImageUrl"),
    ),
    Row("T19", "shape", "completeTime is there before the URLs are", ("success", "generating"), 2),
    Row("T20", "outcome", "so many URLs for one request", ("6",), free=r"[1-9]\d?"),
    Row(
        "T21",
        "result",
        "result files that can't be had or aren't what they say",
        ("404", "403", "type", "html", "truncated", "jpg", "hang"),
    ),
    Row(
        "T22",
        "outcome",
        "moderation refuses",
        ("content", "openai", "policy", "flagged", "word"),
    ),
    Row("T23", "outcome", "the input image can't be fetched"),
    Row("T24", "outcome", "internal failure"),
    Row("T25", "create", "task made, answer lost", ("reset", "timeout", "502"), 1),
    Row("T26", "create", "paused, disabled or removed", ("paused", "disabled", "removed")),
    Row("T27", "create", "401 without data", ("create", "record"), 1),
    Row("T28", "create", "a body that isn't JSON", ("502", "1010", "record", "record1010"), 2),
    Row(
        "T29",
        "shape",
        "message for msg, extra keys, unknown state",
        ("all", "msg", "keys", "state"),
    ),
    Row("T30", "shape", "costTime and age of the body", ("seconds", "milliseconds", "old")),
    Row("T31", "outcome", "input images are ignored, as under a wrong field name"),
    Row("T32", "outcome", "the input image's address is refused"),
    Row("T33", "always", "price list with strings and a decimal comma"),
    Row("T34", "create", "maintenance, 455", times=2),
    Row("size", "result", "a valid picture of exactly this size", ("9.9MB",), free=_SIZE),
    Row(
        "side",
        "result",
        "a picture with this side, or WIDTHxHEIGHT",
        ("12000",),
        free=r"\d{2,5}(x\d{2,5})?",
    ),
    Row("latency", "outcome", "this latency in seconds, before the factor", ("1",), free=_SECONDS),
    Row("states", "outcome", "which states show", ("full", "waiting", "generating")),
    Row("name", "result", "the ending of the result's name", ("jpg", "png")),
)
ROWS: Mapping[str, Row] = {row.name.lower(): row for row in _ALL_ROWS}

ALIASES: Mapping[str, str] = {
    "fail": "T24",
    "refused": "T22",
    "stuck": "T9",
    "callback_lost": "T10",
    "callback_late": "T11",
    "callback_doubled": "T12",
    "callback_early": "T13",
    "answer_lost": "T25",
    "no_result": "T17",
    "result_gone": "T21",
}

_MARKER = re.compile(r"\[\[([^\[\]]{1,60})\]\]")
_SPELLING = re.compile(r"(?P<name>\w+)(?::(?P<variant>[\w.]+))?(?:\*(?P<times>\d+))?")


def parse_scenario(spelling: str) -> Scenario:
    """Read `T17`, `T17:empty` or `T7*5` (five times); ValueError names what is not known."""
    match = _SPELLING.fullmatch(spelling.strip())
    alias = ALIASES.get(match["name"].lower()) if match else None
    row = ROWS.get((alias or match["name"]).lower()) if match else None
    if match is None or row is None:
        raise ValueError(f"No scenario is called {spelling!r}; GET /stub/scenarios lists them.")
    variant = match["variant"] or row.variants[0]
    if variant not in row.variants and not (row.free and re.fullmatch(row.free, variant)):
        raise ValueError(
            f"{row.name} has no variant {variant!r}; it has {', '.join(row.variants)}."
        )
    times = int(match["times"]) if match["times"] else row.times
    return Scenario(row.name, variant, times)


def parse_scenarios(spellings: str) -> tuple[Scenario, ...]:
    """Read several scenarios for one task, separated by spaces or commas."""
    return tuple(parse_scenario(word) for word in spellings.replace(",", " ").split())


def scenarios_in_prompt(prompt: str) -> tuple[Scenario, ...]:
    """Find the markers `[[T17:empty]]` of a prompt; brackets that are no marker are prompt."""
    found = []
    for spelling in _MARKER.findall(prompt):
        try:
            found.append(parse_scenario(spelling))
        except ValueError:
            continue
    return tuple(found)


class Scenarios:
    """The scenarios of one task, asked by row name."""

    def __init__(self, chosen: Iterable[Scenario] = ()) -> None:
        self._by_name = {scenario.name: scenario for scenario in chosen}

    def get(self, name: str) -> Scenario | None:
        """Give the scenario of this row, or None."""
        return self._by_name.get(name)

    def variant(self, name: str) -> str:
        """Give the variant chosen for this row, or an empty string."""
        scenario = self._by_name.get(name)
        return scenario.variant if scenario else ""

    def labels(self) -> list[str]:
        """Name what was chosen, for lists and logs."""
        return [f"{one.name}:{one.variant}" for one in self._by_name.values()]


class ScenarioChoice:
    """Decides what the next task gets: script first, then markers, then the mix."""

    def __init__(self) -> None:
        self._script: deque[tuple[Scenario, ...]] = deque()
        self._mix: list[tuple[float, tuple[Scenario, ...]]] = []
        self._random = Random(0)  # noqa: S311  Reproducible faults, not secrets.
        self._seen: Counter[tuple[str, str]] = Counter()

    def script(self, spellings: Iterable[str]) -> None:
        """Give each of the next tasks one entry; an empty entry is a task without faults."""
        self._script.extend([parse_scenarios(spelling) for spelling in spellings])

    def mix(self, probabilities: Mapping[str, float], *, seed: int) -> None:
        """From now on draw each named scenario with its own probability for every task."""
        self._mix = [(share, parse_scenarios(name)) for name, share in probabilities.items()]
        self._random = Random(seed)  # noqa: S311  Reproducible faults, not secrets.

    def choose(self, *, prompt: str, body_digest: str) -> Scenarios:
        """Choose for one createTask; a marker that refuses gives way after its `times`."""
        if self._script:
            return Scenarios(self._script.popleft())
        drawn = [one for share, them in self._mix if self._random.random() < share for one in them]
        marked = [one for one in scenarios_in_prompt(prompt) if self._still_due(one, body_digest)]
        return Scenarios([*drawn, *marked])

    def _still_due(self, scenario: Scenario, body_digest: str) -> bool:
        if ROWS[scenario.name.lower()].stage != "create" or scenario.variant.startswith("record"):
            return True
        key = (body_digest, scenario.name)
        self._seen[key] += 1
        return scenario.shows_at(self._seen[key])
