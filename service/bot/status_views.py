"""What becomes of a generation, in words: the status message and the captions of its results."""

from dataclasses import dataclass

from service.bot.callbacks import Open, Repeat, SendFiles
from service.bot.screens import Button, Screen, excerpt
from service.domain.catalogue import Catalogue
from service.domain.generation import DeliveryKind, DeliveryState, GenerationState
from service.domain.money import Kopecks, format_rubles
from service.flows.deps import Presentation
from service.store.generations import Generation
from service.texts import has, text

PROMPT_SHOWN = 500
#: A caption holds 1024 UTF-16 units, an emoji takes two: this leaves room for the rest of it.
CAPTION_PROMPT_SHOWN = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A generation with what the ledger says of it; money is told from there alone."""

    generation: Generation
    returned_kopecks: Kopecks
    usual_s: float | None
    delivery_is_late: bool  # it failed at least once

    @property
    def paid_kopecks(self) -> Kopecks:
        """Give what the user pays in the end."""
        return Kopecks(self.generation.price_kopecks - self.returned_kopecks)


def status_screen(told: Told, locale: str, catalogue: Catalogue, *, time: str) -> Screen:
    """Show where a generation stands."""
    generation = told.generation
    lines = [_headline(told, locale, catalogue, time=time)]
    if generation.tasks > 1 and generation.finished_at is None and generation.tasks_settled:
        lines.append(
            text("status-part", locale, done=generation.tasks_settled, all=generation.tasks)
        )
    if generation.state == GenerationState.COMPLETED and told.returned_kopecks:
        lines.append(_returned(told, locale))
    return Screen("\n".join(lines), _rows(generation, locale))


def _headline(told: Told, locale: str, catalogue: Catalogue, *, time: str) -> str:
    generation = told.generation
    reason = f"failed-{generation.reason}"
    return text(
        _key(told),
        locale,
        model=model_name(generation.model_id, catalogue),
        prompt=excerpt(generation.prompt, length_max=PROMPT_SHOWN),
        time=time,
        price=format_rubles(
            told.paid_kopecks if generation.finished_at else generation.price_kopecks, locale
        ),
        returned=format_rubles(told.returned_kopecks, locale),
        reason=text(reason, locale) if has(reason, locale) else text("failed-provider", locale),
    )


def _key(told: Told) -> str:
    generation = told.generation
    if generation.state != GenerationState.COMPLETED:
        return f"status-{generation.state}"
    match generation.delivery_state:
        case DeliveryState.SENT:
            return "status-done"
        case DeliveryState.EXPIRED | DeliveryState.PARKED:
            return "status-undelivered"
    return "status-stuck" if told.delivery_is_late else "status-sending"


def _returned(told: Told, locale: str) -> str:
    missing = max(0, told.generation.pictures - told.generation.pictures_made)
    returned = format_rubles(told.returned_kopecks, locale)
    return text("status-returned", locale, returned=returned, missing=missing)


def _rows(generation: Generation, locale: str) -> list[list[Button]]:
    menu = Button(text("button-menu", locale), Open(screen="new-menu"))
    if generation.state != GenerationState.FAILED:
        return [[menu]]
    retry = Repeat(generation_id=generation.generation_id)
    return [[Button(text("button-retry", locale), retry)], [menu]]


def presentation(told: Told, kind: str, locale: str, catalogue: Catalogue) -> Presentation:
    """Find the words and buttons that go with a generation's files."""
    generation = told.generation
    caption = text(
        "caption",
        locale,
        model=model_name(generation.model_id, catalogue),
        price=format_rubles(told.paid_kopecks, locale),
        prompt=excerpt(generation.prompt, length_max=CAPTION_PROMPT_SHOWN),
    )
    if kind == DeliveryKind.LATE:
        caption = f"{caption}\n{text('caption-late', locale)}"
    screen = Screen("", result_rows(generation.generation_id, locale))
    return Presentation(
        caption=caption,
        keyboard=screen.content()["reply_markup"],
        closing=text("album-closing", locale),
        links=text("too-big-links", locale),
    )


def result_rows(generation_id: int, locale: str) -> list[list[Button]]:
    """Give the buttons under a result."""
    again = Button(text("button-again", locale), Repeat(generation_id=generation_id))
    files = Button(text("button-files", locale), SendFiles(generation_id=generation_id))
    return [[again, files], [Button(text("button-menu", locale), Open(screen="new-menu"))]]


def model_name(model_id: str, catalogue: Catalogue) -> str:
    """Name a model; history outlives models, so an unknown one keeps its id."""
    model = catalogue.by_id.get(model_id)
    return model.name if model else model_id
