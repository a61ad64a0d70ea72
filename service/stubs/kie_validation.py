"""What createTask checks before it charges, with KIE's own messages."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from service.stubs.kie_answers import Refusal
from service.stubs.kie_catalogue import JsonObject

_NEWER_MODELS = ("qwen2-1", "wan/3", "wan-3")
_NOT_URLS = {"image_size", "image_resolution", "num_images"}
_BARE_BASE64_LENGTH = 200
_ONE_K_ONLY_RATIOS = {"27:16", "16:27", "9:8", "8:9"}
_GPT_2_EXCLUDES = {
    "2K": {"auto", "5:4", "4:5", "3:1", "1:3", "9:21"},
    "4K": {"auto", "1:1", "3:1", "1:3", "9:21"},
}


def refusal_of_input(model: JsonObject, given: Any) -> Refusal | None:
    """Give the first reason to refuse this input, or None; unknown fields are ignored."""
    if not isinstance(given, dict):
        return Refusal(500, "This field is required")
    for field in model["inputs"]:
        refusal = _refusal_of_field(model, field, given)
        if refusal is not None:
            return refusal
    return _refusal_of_combination(model["id"], given)


def url_values(model: JsonObject, given: JsonObject) -> list[str]:
    """Give the input files of a request: only fields that this model has count."""
    values: list[str] = []
    for field in model["inputs"]:
        value = given.get(field["name"])
        if _takes_urls(field) and value:
            values += value if isinstance(value, list) else [value]
    return [value for value in values if isinstance(value, str)]


def _refusal_of_field(model: JsonObject, field: JsonObject, given: JsonObject) -> Refusal | None:
    name = field["name"]
    value = given.get(name)
    if field.get("required") and (value is None or value in ("", [])):
        return Refusal(500, _missing(field))
    if name not in given:
        return None
    if _takes_urls(field) and not _are_urls(value):
        return Refusal(500, "File type not supported")
    if not _in_range(field, value):
        code = 422 if model["id"].startswith(_NEWER_MODELS) else 500
        return Refusal(code, f"{name} is not within the range of allowed options")
    return None


def _missing(field: JsonObject) -> str:
    named = field["name"] in ("prompt", "aspect_ratio")
    return f"{field['name']} is required" if named else "This field is required"


def _takes_urls(field: JsonObject) -> bool:
    name = field["name"]
    looks_so = "url" in name or "image" in name or "accept" in field
    return looks_so and name not in _NOT_URLS and field["type"] in ("string", "array")


def _are_urls(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return not any(isinstance(one, str) and _is_file_content(one) for one in values)


def _is_file_content(text: str) -> bool:
    if text.startswith("data:"):
        return True
    if len(text) < _BARE_BASE64_LENGTH or text.startswith(("http://", "https://")):
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _in_range(field: JsonObject, value: Any) -> bool:
    if value is None:
        return True
    if "enum" in field:
        return _spelled(value) in {_spelled(option) for option in field["enum"]}
    return _has_type(field, value)


def _has_type(field: JsonObject, value: Any) -> bool:
    match field["type"]:
        case "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        case "integer" | "number":
            return _number_in_range(field, value)
        case "array":
            return isinstance(value, list) and _length_fits(field, value, "items")
        case "string":
            return isinstance(value, str) and _length_fits(field, value, "length")
        case _:
            return True


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number_in_range(field: JsonObject, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    whole = field["type"] != "integer" or number.is_integer()
    low, high = float(field.get("min", number)), float(field.get("max", number))
    return whole and low <= number <= high


def _length_fits(field: JsonObject, value: Any, unit: str) -> bool:
    length = len(value)
    return bool(field.get(f"min_{unit}", 0) <= length <= field.get(f"max_{unit}", length))


def _refusal_of_combination(model_id: str, given: JsonObject) -> Refusal | None:
    name = next(_broken_combinations(model_id, given), None)
    if name is None:
        return None
    return Refusal(500, f"{name} is not within the range of allowed options")


def _broken_combinations(model_id: str, given: JsonObject) -> Iterator[str]:
    """Name fields that are right alone and wrong together, as the notes of the facts say."""
    resolution = given.get("resolution", "1K")
    ratio = given.get("aspect_ratio", "auto")
    if model_id.startswith("gpt-image-2-5"):
        if resolution != "1K" and ratio in _ONE_K_ONLY_RATIOS:
            yield "resolution"
    elif model_id.startswith("gpt-image-2-") and ratio in _GPT_2_EXCLUDES.get(resolution, ()):
        yield "resolution"
    wants_many = float(given.get("n") or 1) > 4  # noqa: PLR2004  Four without a sequence, as the note says.
    if model_id.startswith("wan/2-7-image") and wants_many and not given.get("enable_sequential"):
        yield "n"
