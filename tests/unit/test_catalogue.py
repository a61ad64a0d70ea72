"""The packaged catalogue: what is on sale, deadlines, and each request against its golden file.

The files of tests/golden/requests/ were written from KIE's documented inputs (required fields,
defaults, enums) and our own selling decisions, by a computation that never ran the code under
test: required inputs at their default, what was chosen, the own count parameter, seeds counted
up from task to task.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from service.domain.catalogue import (
    Kind,
    Screen,
    check_parameters,
    count_choices,
    default_parameters,
    load_catalogue,
    task_plan,
    visible_inputs,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "requests"
MODELS = load_catalogue().on_sale()
CASES = ("default", "everything", "four", "four_with_everything")


def test_every_model_is_known_and_31_are_on_sale():
    # Given the packaged file / When it is loaded
    catalogue = load_catalogue()

    # Then all models are there, and those for text are on sale but for the two in doubt
    assert len(catalogue.models) == len(catalogue.by_id) == len(catalogue.by_code) == 133
    sold = {Kind.TEXT_TO_IMAGE, Kind.IMAGE_ANY}
    unsold = {model.id for model in catalogue.models if model.kind in sold and not model.on_sale}
    assert unsold == {"flux1-kontext", "4o-image-api"}
    assert len(MODELS) == 31
    by_kind = catalogue.on_sale_by_kind()
    assert {kind: len(models) for kind, models in by_kind.items()} == {
        Kind.TEXT_TO_IMAGE: 25,
        Kind.IMAGE_ANY: 6,
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_each_request_is_the_one_written_from_the_facts(model, case):
    # Given what was chosen for a model
    document = json.loads((GOLDEN / f"{model.code}.json").read_text(encoding="utf-8"))
    order = document[case]
    assert check_parameters(model, order["parameters"]) == []

    # When its tasks are planned
    plan = task_plan(model, order["parameters"], order["pictures"], prompt=document["prompt"])

    # Then each request is exactly the golden one
    assert document["model"] == model.id
    assert [{"input": task.input, "pictures": task.pictures} for task in plan] == order["requests"]


def test_each_golden_file_belongs_to_a_model_on_sale():
    # Given the golden files / When they are listed / Then none is left over
    assert {path.stem for path in GOLDEN.glob("*.json")} == {model.code for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_what_a_card_starts_with_can_be_sold(model):
    # Given the values a card starts with / When they are checked
    problems = check_parameters(model, default_parameters(model))

    # Then nothing is wrong with them, and sending them outright asks for the same pictures
    assert problems == []
    least = count_choices(model)[0]
    given = task_plan(model, default_parameters(model), least, prompt="a red apple")
    assert given == task_plan(model, {}, least, prompt="a red apple")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_what_users_should_not_choose_is_hidden(model):
    # Given the inputs a user sees / When they are listed
    names = {item.name for item in visible_inputs(model)}

    # Then no prompt, picture, checker or count is among them
    hidden = {"prompt", "nsfw_checker", "enable_safety_checker", "watermark", "n", "max_images"}
    assert not names & (hidden | {"image_input", "image_urls", "input_urls", "color_palette"})
    shapes = [item for item in visible_inputs(model) if item.screen is Screen.SHAPE]
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("model_id", "usual_s", "deadline_s"),
    [
        ("z-image", 55, 900),
        ("qwen2-1/text-to-image", 9.5, 900),
        ("nano-banana-2", None, 900),
        ("bytedance/seedance-2", 255, 2700),
        ("kling/ai-avatar-pro", None, 2700),
        ("recraft/remove-background", 3, 900),
    ],
)
def test_times_come_from_the_facts(model_id, usual_s, deadline_s):
    # Given a model / When its times are asked for / Then they follow the rule of the design
    model = load_catalogue().by_id[model_id]
    assert (model.usual_s, model.deadline_s) == (usual_s, deadline_s)


def test_a_slow_model_gets_five_times_its_usual_time():
    # Given a model that usually takes ten minutes
    model = replace(load_catalogue().by_id["z-image"], latencies_s=(500, 600, 4000))

    # When its deadline is asked for / Then it is five times the middle of what was seen
    assert model.deadline_s == 3000


def test_numbers_of_pictures_follow_what_a_request_makes():
    # Given models that make pictures in three ways / When their counts are listed
    catalogue = load_catalogue()
    counts = [count_choices(catalogue.by_code[code]) for code in ("zi", "gk", "wan27", "sd4")]

    # Then only the one that makes two at once is sold in twos
    assert counts == [(1, 2, 3, 4), (2, 4), (1, 2, 3, 4), (1, 2, 3, 4)]


def test_seeds_of_one_order_differ():
    # Given a text seed that is no number, and one at the end of its range
    catalogue = load_catalogue()
    imagen, qwen = catalogue.by_code["im4"], catalogue.by_code["qw3"]

    # When two pictures of each are planned
    words = task_plan(imagen, {"seed": "moon"}, 2, prompt="a red apple")
    numbers = task_plan(qwen, {"seed": 2147483647}, 2, prompt="a red apple")

    # Then no two requests are equal, and all stay within their limits
    assert [task.input["seed"] for task in words] == ["moon", "moon-2"]
    assert [task.input["seed"] for task in numbers] == [2147483647, 0]


def test_a_number_of_pictures_that_is_not_sold_is_a_bug_of_the_caller():
    # Given a model sold in twos / When three are planned / Then it stops
    with pytest.raises(AssertionError, match="not sold as 3"):
        task_plan(load_catalogue().by_code["gk"], {}, 3, prompt="a red apple")


def test_a_preset_is_sent_even_where_kie_would_take_it_by_itself():
    # Given a model whose resolution is preset to its documented default
    model = load_catalogue().by_code["nb2"]
    inputs = tuple(
        replace(item, preset="1K") if item.name == "resolution" else item for item in model.inputs
    )

    # When a picture is planned / Then the resolution is said outright
    plan = task_plan(replace(model, inputs=inputs), {}, 1, prompt="a red apple")
    assert plan[0].input == {"prompt": "a red apple", "resolution": "1K"}


def test_a_hidden_input_carries_what_the_file_says():
    # Given a model whose hidden checker is switched on in the file
    model = load_catalogue().by_code["zi"]
    inputs = tuple(
        replace(item, send=True) if item.name == "nsfw_checker" else item for item in model.inputs
    )

    # When a picture is planned / Then the request has it, whatever the user chose
    plan = task_plan(replace(model, inputs=inputs), {}, 1, prompt="a red apple")
    assert plan[0].input["nsfw_checker"] is True
