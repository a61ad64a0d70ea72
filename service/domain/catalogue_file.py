"""Reads the catalogue's data file; a bad one is refused naming file, model and field."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec
import yaml

from service.domain.catalogue_rules import find_mistake
from service.domain.model import (
    Forbidden,
    Input,
    InputType,
    Kind,
    Model,
    Pictures,
    PriceRule,
    PriceVariant,
    Screen,
    Unit,
    Value,
)
from service.errors import KartinaError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PixelSizes = dict[str, tuple[int, int]]


class CatalogueError(KartinaError):
    """A data file can't be used; the message is one line with file, entry and field."""


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    pixel_sizes: _PixelSizes
    models: list[dict[str, Any]]


class _RawInput(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    type: InputType
    required: bool
    enum: list[Value] = []
    default: Value | None = None
    preset: Value | None = None
    send: Value | None = None
    min: int | float | None = None
    max: int | float | None = None
    min_length: int = 0
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    items: str | None = None
    accept: list[str] = []
    max_mb: int | None = None
    screen: Screen = Screen.HIDDEN
    note: str = ""


class _RawPrice(msgspec.Struct, forbid_unknown_fields=True):
    per: Unit
    credits: Decimal | None
    note: str = ""


class _RawVariant(msgspec.Struct, forbid_unknown_fields=True):
    when: dict[str, Value]
    credits: Decimal


class _RawForbidden(msgspec.Struct, forbid_unknown_fields=True, rename={"then": "not"}):
    when: dict[str, list[Value]]
    then: dict[str, list[Value]]


class _RawPictures(msgspec.Struct, forbid_unknown_fields=True):
    parameter: str | None = None
    max: int = 4
    per_request: int = 1


class _RawLatency(msgspec.Struct, forbid_unknown_fields=True):
    observed: list[float]


class _RawModel(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    code: str
    name: str
    title: str
    kind: Kind
    on_sale: bool
    inputs: list[_RawInput]
    price: _RawPrice
    latency_s: _RawLatency | None
    status: Literal["paused"] | None = None
    blurb: dict[str, str] = {}
    pictures: _RawPictures = msgspec.field(default_factory=_RawPictures)
    price_by: list[_RawVariant] = []
    forbid: list[_RawForbidden] = []
    note: str = ""


def parse_catalogue(text: str, *, name: str) -> list[Model]:
    """Read all models from a data file's text; `name` stands in the error."""
    try:
        document = msgspec.convert(yaml.load(text, Loader=_LOADER), _Document)  # noqa: S506 - a safe loader, in C where there is one
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise CatalogueError(f"{name}: {_one_line(error)}") from error
    models = [_parse_model(entry, document.pixel_sizes, name) for entry in document.models]
    for field in ("id", "code", "name"):
        _refuse_twins(models, field, name)
    return models


def _refuse_twins(models: list[Model], field: str, name: str) -> None:
    counts = Counter(getattr(model, field) for model in models)
    for model in models:
        value = getattr(model, field)
        if counts[value] > 1:
            raise CatalogueError(f"{name}: {model.id}: {field}: {value!r} is used twice")


def _parse_model(entry: Mapping[str, Any], pixel_sizes: _PixelSizes, name: str) -> Model:
    label = entry.get("id", "a model without id")
    try:
        raw = msgspec.convert(entry, _RawModel)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{name}: {label}: {_one_line(error)}") from error
    model = _build(raw, pixel_sizes)
    mistake = find_mistake(model)
    if mistake is not None:
        raise CatalogueError(f"{name}: {label}: {mistake}")
    return model


def _one_line(error: Exception) -> str:
    """Say where and what in one line: `inputs[0].min: Expected ...`."""
    what, _, where = " ".join(str(error).split()).partition(" - at `$")
    return f"{where.strip('`.')}: {what}" if where else what


def _build(raw: _RawModel, pixel_sizes: _PixelSizes) -> Model:
    return Model(
        id=raw.id,
        code=raw.code,
        name=raw.name,
        title=raw.title,
        kind=raw.kind,
        on_sale=raw.on_sale,
        is_paused=raw.status is not None,
        blurb=raw.blurb,
        inputs=tuple(_build_input(item) for item in raw.inputs),
        price=_build_price(raw, pixel_sizes),
        pictures=Pictures(
            parameter=raw.pictures.parameter,
            maximum=raw.pictures.max,
            per_request=raw.pictures.per_request,
        ),
        forbidden=tuple(Forbidden(_tuples(rule.when), _tuples(rule.then)) for rule in raw.forbid),
        latencies_s=tuple(raw.latency_s.observed) if raw.latency_s else (),
    )


def _build_input(raw: _RawInput) -> Input:
    return Input(
        name=raw.name,
        type=raw.type,
        required=raw.required,
        screen=raw.screen,
        choices=tuple(raw.enum),
        default=raw.default,
        preset=raw.preset,
        send=raw.send,
        minimum=raw.min,
        maximum=raw.max,
        min_length=raw.min_length,
        max_length=raw.max_length,
    )


def _build_price(raw: _RawModel, pixel_sizes: _PixelSizes) -> PriceRule:
    return PriceRule(
        unit=raw.price.per,
        credits=raw.price.credits,
        variants=tuple(PriceVariant(item.when, item.credits) for item in raw.price_by),
        pixel_sizes=pixel_sizes if raw.price.per is Unit.MEGAPIXEL else None,
    )


def _tuples(values: Mapping[str, list[Value]]) -> dict[str, tuple[Value, ...]]:
    return {name: tuple(listed) for name, listed in values.items()}
