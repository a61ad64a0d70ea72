"""The models as the stub knows them: read raw from the data file, by its own code."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

JsonObject = Mapping[str, Any]

DEFAULT_LATENCY_S = 20.0
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COUNT_FIELDS = ("n", "max_images", "num_images")
_TWO_BY_DEFAULT = "grok-imagine/text-to-image"


@cache
def load_models(path: Traversable | None = None) -> Mapping[str, JsonObject]:
    """Load all models by id, once per file."""
    source = path or files("service") / "data" / "catalogue.yaml"
    document = yaml.load(source.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  A safe loader, in C where there is one.
    return {model["id"]: model for model in document["models"]}


def latency_s(model: JsonObject) -> float:
    """Give the seconds a task of this model usually takes."""
    observed = (model.get("latency_s") or {}).get("observed") or [DEFAULT_LATENCY_S]
    return float(sum(observed) / len(observed))


def makes_video(model: JsonObject) -> bool:
    """Tell whether a task of this model ends in a video file."""
    return "video" in model["kind"] or model["kind"] == "lip-sync"


def picture_count(model: JsonObject, given: JsonObject) -> int:
    """Give how many files one request makes when nothing goes wrong."""
    for field in model["inputs"]:
        if field["name"] not in _COUNT_FIELDS:
            continue
        value = given.get(field["name"]) or field.get("default", 1)
        if field["name"] == "n" and given.get("enable_sequential") and "n" not in given:
            value = field.get("max", value)
        return int(float(value))
    return 2 if model["id"] == _TWO_BY_DEFAULT else 1


def credits_of(model: JsonObject, given: JsonObject) -> float:
    """Give what KIE charges for this request."""
    price = model["price"]
    each = price.get("credits")
    if each is None:
        each = _variant_credits(model, given)
    return round(float(each) * _units(model, given), 4)


def _variant_credits(model: JsonObject, given: JsonObject) -> float:
    defaults = {field["name"]: field.get("default", False) for field in model["inputs"]}
    values = {**defaults, "_video_input": any("video" in name for name in given), **given}
    variants = model.get("price_by") or []
    for variant in variants:
        if all(_same(values.get(name), wanted) for name, wanted in variant["when"].items()):
            return float(variant["credits"])
    return float(variants[0]["credits"]) if variants else 0.0


def _same(value: Any, wanted: Any) -> bool:
    return str(value).lower() == str(wanted).lower()


def _units(model: JsonObject, given: JsonObject) -> float:
    match model["price"].get("per"):
        case "image" | "megapixel":
            return picture_count(model, given)
        case "second":
            return _duration_s(model, given)
        case _:
            return 1


def _duration_s(model: JsonObject, given: JsonObject) -> float:
    default = next((f.get("default") for f in model["inputs"] if f["name"] == "duration"), None)
    try:
        return float(given.get("duration", default or 5))
    except (TypeError, ValueError):
        return 5.0
