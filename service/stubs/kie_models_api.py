"""KIE's catalogue calls and its public price list, slips included."""

import time
from typing import Any

from aiohttp import web

from service.stubs.kie_answers import UNKNOWN_MODEL, Refusal, ok, refused, too_frequent
from service.stubs.kie_catalogue import JsonObject
from service.stubs.kie_state import STATE, StubState, read_json_object

BUCKETS_PER_DAY = 144
BUCKET_MS = 600_000


async def list_models(request: web.Request) -> web.Response:
    """List the models, filtered by taskType, provider and q."""
    state = request.app[STATE]
    if not state.catalogue_reads.take():
        return too_frequent(state.limit_style)
    query = request.query
    found = [
        entry
        for entry in map(_entry, _listed(state))
        if query.get("taskType", "") in ("", *entry["taskType"])
        and query.get("provider", "") in ("", entry["provider"])
        and query.get("q", "").lower() in f"{entry['model']} {entry['title']}".lower()
    ]
    return ok({"total": len(found), "models": found})


async def show_model(request: web.Request) -> web.Response:
    """Answer schema, price or success rate of one model; its slash comes unescaped."""
    state = request.app[STATE]
    if not state.catalogue_reads.take():
        return too_frequent(state.limit_style)
    model_id, _, what = request.match_info["rest"].rpartition("/")
    model = next((one for one in _listed(state) if one["id"] == model_id), None)
    if model is None or what not in ("schema", "price", "success-rate"):
        return refused(Refusal(422, UNKNOWN_MODEL))
    if what == "schema":
        return ok({"model": model_id, "openapi": None})
    if what == "price":
        return ok({"model": model_id, "pricingDesc": _price_text(model)})
    return ok({"model": model_id, "points": _success_points()})


async def list_prices(request: web.Request) -> web.Response:
    """Answer the website's price list: numbers as strings, the first with a decimal comma."""
    body = await read_json_object(request) or {}
    size = max(1, int(body.get("pageSize") or 100))
    page = max(1, int(body.get("pageNum") or 1))
    models = list(_listed(request.app[STATE]))
    records = [_price_record(model) for model in models]
    records[0]["usdPrice"] = records[0]["usdPrice"].replace(".", ",")
    data = {
        "records": records[(page - 1) * size : page * size],
        "total": len(records),
        "pages": -(-len(records) // size),
        "current": page,
        "size": size,
    }
    return ok(data)


async def count_prices(request: web.Request) -> web.Response:
    """Answer how many prices there are by kind of medium."""
    kinds = [model["kind"] for model in _listed(request.app[STATE])]
    images = sum("video" not in kind and kind != "lip-sync" for kind in kinds)
    counts = {"image": images, "video": len(kinds) - images, "music": 0, "chat": 0}
    return ok({"all": len(kinds), **counts})


def _listed(state: StubState) -> list[JsonObject]:
    blocked = state.blocked_models
    return [model for model in state.models.values() if blocked.get(model["id"]) != "removed"]


def _entry(model: JsonObject) -> dict[str, Any]:
    return {
        "model": model["id"],
        "slug": model["id"].replace("/", "-").replace(".", "-"),
        "title": model["title"],
        "provider": model["id"].partition("/")[0],
        "taskType": [model["kind"]],
        "description": "",
        "pricingDesc": _price_text(model),
    }


def _credits(model: JsonObject) -> float:
    variants = model.get("price_by") or [{"credits": 0}]
    each = model["price"].get("credits")
    return float(variants[0]["credits"] if each is None else each)


def _price_text(model: JsonObject) -> str:
    return f"{_credits(model)} credits per {model['price'].get('per', 'request')}"


def _price_record(model: JsonObject) -> dict[str, Any]:
    usd = f"{_credits(model) * 0.005:.4f}"
    return {
        "modelDescription": model["title"],
        "interfaceType": "video" if "video" in model["kind"] else "image",
        "provider": model["id"].partition("/")[0],
        "creditPrice": str(_credits(model)),
        "creditUnit": f"per {model['price'].get('per', 'request')}",
        "usdPrice": usd,
        "falPrice": "",
        "discountRate": 0.0,
        "anchor": "",
        "discountPrice": False,
    }


def _success_points() -> list[dict[str, Any]]:
    newest = int(time.time() * 1000) // BUCKET_MS * BUCKET_MS
    return [
        {
            "start": newest - back * BUCKET_MS,
            "end": newest - (back - 1) * BUCKET_MS,
            "successRate": 98.5,
            "errorRate": 1.5,
            "isNormal": True,
        }
        for back in range(BUCKETS_PER_DAY, 0, -1)
    ]
