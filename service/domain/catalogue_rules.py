"""What must be true of one model's entry before it may be loaded."""

import re
from collections.abc import Callable, Iterator
from itertools import product

from service.domain.model import Input, InputType, Kind, Model, Screen, Unit, Value

_CODE = re.compile(r"[a-z0-9]{2,12}")
#: A button's title on a narrow telephone.
_NAME_LENGTH_MAX = 24
#: How many pictures one card may offer.
_PICTURES_MAX = 12
_LOCALES = {"en", "ru"}
_SELLABLE_KINDS = {Kind.TEXT_TO_IMAGE, Kind.IMAGE_ANY}
_SELLABLE_UNITS = {Unit.IMAGE, Unit.REQUEST, Unit.MEGAPIXEL}
_PYTHON_TYPES: dict[InputType, tuple[type, ...]] = {
    InputType.STRING: (str,),
    InputType.INTEGER: (int,),
    InputType.NUMBER: (int, float),
    InputType.BOOLEAN: (bool,),
}
_SCREEN_TYPES = {
    Screen.TOGGLE: {InputType.BOOLEAN},
    Screen.NUMBER: {InputType.INTEGER, InputType.NUMBER},
    Screen.COUNT: {InputType.INTEGER, InputType.NUMBER},
    Screen.TEXT: {InputType.STRING},
}


def find_mistake(model: Model) -> str | None:
    """Give the first mistake as "field: what is wrong"; None: the entry may be used."""
    return next(_mistakes(model), None)


def _mistakes(model: Model) -> Iterator[str]:
    rules: list[Callable[[Model], Iterator[str]]] = [_names, _inputs, _price, _forbidden]
    if model.on_sale:
        rules += [_sale, _screens, _pictures, _every_price]
    for rule in rules:
        yield from rule(model)


def _names(model: Model) -> Iterator[str]:
    if not _CODE.fullmatch(model.code):
        yield f"code: {model.code!r} must be 2-12 of a-z and 0-9"
    if not 0 < len(model.name) <= _NAME_LENGTH_MAX:
        yield f"name: {model.name!r} must have 1-{_NAME_LENGTH_MAX} characters"
    for locale in set(model.blurb) - _LOCALES:
        yield f"blurb: {locale!r} is not a language of ours"


def _inputs(model: Model) -> Iterator[str]:
    names = [item.name for item in model.inputs]
    for item in model.inputs:
        if names.count(item.name) > 1:
            yield f"inputs: {item.name} is there twice"
        for field in ("default", "preset", "send"):
            value = getattr(item, field)
            if value is not None and not _fits(item, value):
                yield f"inputs: {item.name}: {field}: {value!r} is not a value it takes"
        if item.send is not None and item.screen is not Screen.HIDDEN:
            yield f"inputs: {item.name}: send: only a hidden input carries a fixed value"


def _fits(item: Input, value: Value) -> bool:
    """Tell whether a value of the file is one that its own input takes."""
    wanted = _PYTHON_TYPES.get(item.type, ())
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        return False
    if item.choices:
        return value in item.choices
    if isinstance(value, str):
        return value != "" and (item.max_length is None or len(value) <= item.max_length)
    return (item.minimum is None or value >= item.minimum) and (
        item.maximum is None or value <= item.maximum
    )


def _price(model: Model) -> Iterator[str]:
    rule = model.price
    if rule.credits is None and not rule.variants and model.on_sale:
        yield "price: neither credits nor price_by"
    if rule.credits is not None and rule.credits <= 0:
        yield f"price: credits: {rule.credits} must be above 0"
    for variant in rule.variants:
        if variant.credits <= 0:
            yield f"price_by: credits: {variant.credits} must be above 0"
        for name, value in variant.when.items():
            yield from _named_value(model, "price_by", name, value)


def _forbidden(model: Model) -> Iterator[str]:
    for rule in model.forbidden:
        for part in (rule.when, rule.then):
            for name, values in part.items():
                for value in values:
                    yield from _named_value(model, "forbid", name, value)
        initial = {i.name: i.initial for i in model.inputs if i.initial is not None}
        broken = rule.broken_by(initial)
        if broken is not None:
            yield f"forbid: {broken}: the values a card starts with are forbidden"


def _named_value(model: Model, field: str, name: str, value: Value) -> Iterator[str]:
    if name.startswith("_"):  # A property of a source file, not an input.
        if model.on_sale:
            yield f"{field}: {name} can't be known when a text is sold"
        return
    item = model.input(name)
    if item is None:
        yield f"{field}: {name} is not an input"
    elif model.on_sale and not _fits(item, value):
        yield f"{field}: {name}: {value!r} is not a value it takes"


def _sale(model: Model) -> Iterator[str]:
    if model.kind not in _SELLABLE_KINDS:
        yield f"on_sale: {model.kind.value} is not sold yet"
    if model.is_paused:
        yield "on_sale: the model is paused"
    if model.price.unit not in _SELLABLE_UNITS:
        yield f"price: per: {model.price.unit.value} is not sold yet"
    for locale in sorted(_LOCALES):
        if not model.blurb.get(locale):
            yield f"blurb: {locale} is missing"
    if model.input("prompt") is None:
        yield "inputs: prompt is missing"


def _screens(model: Model) -> Iterator[str]:
    for item in model.inputs:
        where = f"inputs: {item.name}: screen"
        allowed = _SCREEN_TYPES.get(item.screen)
        if allowed is not None and item.type not in allowed:
            yield f"{where}: {item.screen.value} does not suit type {item.type.value}"
        if item.screen in {Screen.CHOICE, Screen.SHAPE, Screen.STYLE} and not item.choices:
            yield f"{where}: {item.screen.value} needs an enum"
        if item.screen is Screen.NUMBER and (item.minimum is None or item.maximum is None):
            yield f"{where}: number needs min and max"
        if item.screen is Screen.TOGGLE and item.initial is None:
            yield f"{where}: toggle needs a default or a preset"
        yield from _required(item)


def _required(item: Input) -> Iterator[str]:
    if not item.required or item.name == "prompt" or item.screen is Screen.COUNT:
        return
    if item.initial is None and item.send is None:
        yield f"inputs: {item.name}: required, so it needs a default, a preset or send"


def _pictures(model: Model) -> Iterator[str]:
    rule = model.pictures
    counted = [item.name for item in model.inputs if item.screen is Screen.COUNT]
    if counted != ([rule.parameter] if rule.parameter else []):
        yield f"pictures: parameter: {rule.parameter} is not the input with screen count"
    item = model.input(rule.parameter) if rule.parameter else None
    if item is not None and item.maximum is not None and rule.maximum > item.maximum:
        yield f"pictures: max: {rule.maximum} is over the input's {item.maximum}"
    if not 1 <= rule.per_request <= rule.maximum <= _PICTURES_MAX:
        yield f"pictures: per_request and max must be 1-{_PICTURES_MAX}, per_request not over max"
    if (rule.per_request > 1) != (model.price.unit is Unit.REQUEST):
        yield "pictures: per_request goes with a price per request"
    if rule.parameter and rule.per_request > 1:
        yield "pictures: either parameter or per_request"


def _every_price(model: Model) -> Iterator[str]:
    """Find a combination of choices that has no price."""
    rule = model.price
    if rule.pixel_sizes is not None:
        size = model.input("image_size")
        if size is None or size.initial is None:
            yield "price: per: megapixel needs an image_size with a default"
        else:
            lost = [name for name in size.choices if name not in rule.pixel_sizes]
            yield from (f"pixel_sizes: {name} is missing" for name in lost)
    names = sorted({name for variant in rule.variants for name in variant.when})
    items = [item for item in map(model.input, names) if item is not None]
    for item in items:
        if item.initial is None:
            yield f"price_by: {item.name} needs a default or a preset"
    for values in product(*(_listed(item) for item in items)):
        chosen = {item.name: value for item, value in zip(items, values, strict=True)}
        if rule.credits is None and not any(
            v.when.items() <= chosen.items() for v in rule.variants
        ):
            yield f"price_by: no price for {chosen}"


def _listed(item: Input) -> tuple[Value, ...]:
    return item.choices or ((False, True) if item.type is InputType.BOOLEAN else ())
