"""A bad catalogue or styles file is refused in one line with file, entry and field."""

import pytest
import yaml

from service.domain.catalogue import CatalogueError
from service.domain.catalogue_file import parse_catalogue
from service.domain.styles import StylesError, load_styles, parse_styles


def _model(**changes):
    model = {
        "id": "apple/paint",
        "code": "ap",
        "name": "Apple Paint",
        "title": "Apple: Paint",
        "kind": "text-to-image",
        "on_sale": True,
        "blurb": {"ru": "Яблоки", "en": "Apples"},
        "inputs": [
            {"name": "prompt", "type": "string", "required": True},
            {"name": "resolution", "type": "string", "required": False, "enum": ["1K", "2K"],
             "default": "1K", "screen": "choice"},
            {"name": "n", "type": "integer", "required": False, "min": 1, "max": 4,
             "screen": "count"},
        ],
        "pictures": {"parameter": "n", "max": 4},
        "price": {"per": "image", "credits": None},
        "price_by": [
            {"when": {"resolution": "1K"}, "credits": 2},
            {"when": {"resolution": "2K"}, "credits": 3},
        ],
        "latency_s": None,
    }  # fmt: skip
    merged = model | changes
    return {name: value for name, value in merged.items() if value != "ABSENT"}


def _parse(*models, pixel_sizes=None):
    document = {"pixel_sizes": pixel_sizes or {}, "models": list(models)}
    return parse_catalogue(yaml.safe_dump(document, allow_unicode=True), name="bad.yaml")


def _inputs(**changes):
    """Give the model's inputs with fields of `resolution` changed."""
    prompt, resolution, count = _model()["inputs"]
    return [prompt, resolution | changes, count]


def _extra(**field):
    return [*_model()["inputs"], {"name": "extra", "required": False} | field]


def test_the_model_these_tests_spoil_is_good():
    # Given the model before anything is planted / When it is read / Then it is taken
    assert [model.code for model in _parse(_model())] == ["ap"]


BAD = {
    "unknown key": ({"colour": "red"}, "colour"),
    "unknown key of an input": ({"inputs": _inputs(colour="red")}, r"inputs\[1\]: .*colour"),
    "missing key": ({"kind": "ABSENT"}, "kind"),
    "unknown kind": ({"kind": "text-to-smell"}, "kind: .*text-to-smell"),
    "unknown screen": ({"inputs": _inputs(screen="wheel")}, r"inputs\[1\].screen: .*wheel"),
    "bad status": ({"status": "asleep"}, "status: .*asleep"),
    "bad code": ({"code": "A-1"}, "code: 'A-1'"),
    "long name": ({"name": "A" * 25}, "name: .*1-24"),
    "input twice": ({"inputs": [*_inputs(), _inputs()[1]]}, "inputs: resolution is there twice"),
    "default outside enum": ({"inputs": _inputs(default="8K")}, "resolution: default: '8K'"),
    "preset outside enum": ({"inputs": _inputs(preset="8K")}, "resolution: preset: '8K'"),
    "default of another type": (
        {"inputs": _extra(type="boolean", default=1, screen="toggle")}, "extra: default: 1"),
    "default outside range": (
        {"inputs": _extra(type="integer", min=1, max=4, default=9, screen="number")},
        "extra: default: 9"),
    "number without limits": (
        {"inputs": _extra(type="integer", screen="number")}, "extra: screen: .*min and max"),
    "toggle without a start": (
        {"inputs": _extra(type="boolean", screen="toggle")}, "extra: screen: toggle needs"),
    "screen against type": (
        {"inputs": _extra(type="string", screen="toggle", default="x")}, "extra: screen: toggle"),
    "choice without enum": (
        {"inputs": _extra(type="string", screen="choice")}, "extra: screen: choice needs an enum"),
    "empty text sent": ({"inputs": _extra(type="string", send="")}, "extra: send: ''"),
    "visible input with send": (
        {"inputs": _inputs(send="2K")}, "resolution: send: only a hidden input"),
    "required and nothing to send": (
        {"inputs": _extra(type="string", required=True)}, "extra: required"),
    "no prompt": ({"inputs": _inputs()[1:]}, "inputs: prompt is missing"),
    "no price": ({"price_by": []}, "price: neither credits nor price_by"),
    "price of nothing": ({"price": {"per": "image", "credits": 0}}, "price: credits: 0"),
    "variant without price": ({"price_by": [{"when": {"resolution": "1K"}}]}, "price_by.*credits"),
    "combination without price": (
        {"price_by": [{"when": {"resolution": "1K"}, "credits": 2}]}, "price_by: no price .*2K"),
    "price by unknown input": (
        {"price_by": [{"when": {"size": "1K"}, "credits": 2}]}, "price_by: size is not an input"),
    "price by unknown value": (
        {"price_by": [{"when": {"resolution": "8K"}, "credits": 2}]}, "price_by: resolution: '8K'"),
    "price by an undecided input": (
        {"inputs": [{k: v for k, v in item.items() if k != "default"} for item in _inputs()]},
        "price_by: resolution needs a default"),
    "price by a source file": (
        {"price_by": [{"when": {"_video_input": True}, "credits": 2}]}, "price_by: _video_input"),
    "megapixels without a size": (
        {"price": {"per": "megapixel", "credits": 4}, "price_by": []}, "needs an image_size"),
    "size without pixels": (
        {"price": {"per": "megapixel", "credits": 4}, "price_by": [],
         "inputs": [*_inputs(), {"name": "image_size", "type": "string", "required": False,
                                 "enum": ["huge"], "default": "huge", "screen": "shape"}]},
        "pixel_sizes: huge is missing"),
    "unit that is not sold": (
        {"price": {"per": "second", "credits": 4}, "price_by": []}, "price: per: second"),
    "forbid unknown input": (
        {"forbid": [{"when": {"size": ["1K"]}, "not": {"resolution": ["2K"]}}]},
        "forbid: size is not an input"),
    "forbid unknown value": (
        {"forbid": [{"when": {"resolution": ["2K"]}, "not": {"resolution": ["8K"]}}]},
        "forbid: resolution: '8K'"),
    "forbid the start": (
        {"forbid": [{"when": {"resolution": ["1K"]}, "not": {"resolution": ["1K"]}}]},
        "forbid: resolution: the values a card starts with"),
    "on sale as a word": ({"on_sale": "perhaps"}, "on_sale: .*bool"),
    "a film on sale": ({"kind": "text-to-video"}, "on_sale: text-to-video is not sold yet"),
    "paused and on sale": ({"status": "paused"}, "on_sale: the model is paused"),
    "no blurb": ({"blurb": {"ru": "Яблоки"}}, "blurb: en is missing"),
    "blurb in another language": (
        {"blurb": {"ru": "Яблоки", "en": "Apples", "de": "Obst"}}, "blurb: 'de'"),
    "count without rule": ({"pictures": {"max": 4}}, "pictures: parameter: None"),
    "count of an unknown input": ({"pictures": {"parameter": "k"}}, "pictures: parameter: k"),
    "more than the model makes": (
        {"pictures": {"parameter": "n", "max": 5}}, "pictures: max: 5 is over"),
    "several for one price": (
        {"pictures": {"per_request": 2}, "inputs": _inputs()[:2]},
        "pictures: per_request goes with a price per request"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "complaint"), BAD.values(), ids=BAD.keys())
def test_a_bad_model_is_refused_naming_file_model_and_field(changes, complaint):
    # Given a model with one thing wrong
    # When the file is read / Then it is refused in one line
    with pytest.raises(CatalogueError, match=rf"^bad\.yaml: apple/paint: .*{complaint}") as caught:
        _parse(_model(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "ap2", "name": "Other"}, "id"),
        ({"id": "apple/other", "name": "Other"}, "code"),
        ({"id": "apple/other", "code": "ap2"}, "name"),
    ],
)
def test_two_models_may_not_share_an_id_a_code_or_a_name(changes, field):
    # Given two models that share one of these
    # When the file is read / Then the field is named
    with pytest.raises(CatalogueError, match=rf"^bad\.yaml: apple/.*: {field}: .*used twice"):
        _parse(_model(), _model(**changes))


@pytest.mark.parametrize("text", ["models: [", "models: 3", "[]", "pixel_sizes: {}", ""])
def test_a_file_of_another_form_is_refused(text):
    # Given a text that is no catalogue / When it is read / Then the file is named
    with pytest.raises(CatalogueError, match=r"^bad\.yaml: "):
        parse_catalogue(text, name="bad.yaml")


def test_a_model_without_id_is_named_as_such():
    # Given a model that lost its id / When the file is read / Then it is still spoken of
    with pytest.raises(CatalogueError, match=r"a model without id: .*id"):
        _parse(_model(id="ABSENT"))


def test_presets_have_both_languages_and_none_is_first():
    # Given the packaged presets / When they are loaded
    styles = load_styles()

    # Then there are enough, the first adds nothing and each other does
    assert len(styles) >= 12
    assert next(iter(styles)) == "none"
    assert {"realistic", "anime", "cartoon"} <= set(styles)
    assert all(style.name["ru"] and style.name["en"] and style.emoji for style in styles.values())
    assert [code for code, style in styles.items() if not style.suffix] == ["none"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"code": "Oil!"}, "Oil!: code"),
        ({"code": "none", "suffix": ""}, "none: code: is used twice"),
        ({"name": {"ru": "Масло"}}, "oil: name"),
        ({"suffix": ""}, "oil: suffix"),
        ({"colour": "red"}, "colour"),
        ({"suffix": 7}, "suffix"),
    ],
)
def test_a_bad_preset_is_refused_naming_file_and_field(changes, complaint):
    # Given a second preset with one thing wrong
    none = {"code": "none", "emoji": "x", "name": {"ru": "Нет", "en": "None"}, "suffix": ""}
    oil = {"code": "oil", "emoji": "x", "name": {"ru": "Масло", "en": "Oil"}, "suffix": "oil"}
    text = yaml.safe_dump({"styles": [none, oil | changes]}, allow_unicode=True)

    # When the file is read / Then it is refused in one line
    with pytest.raises(StylesError, match=rf"^bad\.yaml: .*{complaint}") as caught:
        parse_styles(text, name="bad.yaml")
    assert "\n" not in str(caught.value)


def test_the_first_preset_is_none():
    # Given presets without `none` / When they are read / Then that is said
    oil = {"code": "oil", "emoji": "x", "name": {"ru": "Масло", "en": "Oil"}, "suffix": "oil"}
    with pytest.raises(StylesError, match="oil: code: the first style"):
        parse_styles(yaml.safe_dump({"styles": [oil]}), name="bad.yaml")
