"""What a user may choose and write: limits, combinations, prompts and styles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.catalogue import (
    ParameterProblem,
    Problem,
    accepts,
    allowed_values,
    check_parameters,
    check_prompt,
    clean_prompt,
    load_catalogue,
    load_styles,
    task_plan,
)
from service.domain.parameters import styled_prompt

BY_CODE = load_catalogue().by_code
MODELS = load_catalogue().on_sale()


@pytest.mark.parametrize(
    ("code", "name", "raw", "value"),
    [
        ("nb2", "resolution", "2k", "2K"),
        ("qw", "guidance_scale", "7,5", 7.5),
        ("qw", "guidance_scale", " 7 ", 7),
        ("qw", "num_inference_steps", "50", 50),
        ("qw3", "seed", "0", 0),
        ("qw3", "prompt_extend", "нет", False),
        ("qw3", "prompt_extend", True, True),
        ("im4", "seed", " moon\x00 ", "moon"),
        ("qw3", "negative_prompt", "blur", "blur"),
    ],
)
def test_what_is_typed_becomes_the_inputs_value(code, name, raw, value):
    # Given an input / When somebody types for it / Then it is the value KIE takes
    accepted = accepts(BY_CODE[code], name, raw)
    assert accepted == value
    assert type(accepted) is type(value)


@pytest.mark.parametrize(
    ("code", "name", "raw", "problem", "limits"),
    [
        ("nb2", "resolution", "8K", Problem.NOT_A_CHOICE, (None, None)),
        ("qw", "guidance_scale", "20.1", Problem.OUT_OF_RANGE, (0, 20)),
        ("qw", "num_inference_steps", "1", Problem.OUT_OF_RANGE, (2, 250)),
        ("qw", "num_inference_steps", "2.5", Problem.NOT_WHOLE, (2, 250)),
        ("qw3", "seed", "many", Problem.NOT_A_NUMBER, (0, 2147483647)),
        ("qw3", "seed", "nan", Problem.NOT_A_NUMBER, (0, 2147483647)),
        ("qw3", "seed", "1e999999999", Problem.OUT_OF_RANGE, (0, 2147483647)),
        ("qw3", "seed", "-1", Problem.OUT_OF_RANGE, (0, 2147483647)),
        ("qw3", "seed", "1" * 5000, Problem.NOT_A_NUMBER, (0, 2147483647)),
        ("qw3", "seed", True, Problem.NOT_A_NUMBER, (0, 2147483647)),
        ("qw3", "prompt_extend", "perhaps", Problem.NOT_A_SWITCH, (None, None)),
        ("qw", "negative_prompt", "x" * 501, Problem.TOO_LONG, (1, 500)),
        ("qw", "negative_prompt", " \x00 ", Problem.EMPTY, (1, 500)),
        ("qw", "nsfw_checker", "true", Problem.UNKNOWN, (None, None)),
        ("wan27", "n", "2", Problem.UNKNOWN, (None, None)),
        ("wan27", "wings", "2", Problem.UNKNOWN, (None, None)),
    ],
)
def test_what_an_input_does_not_take_is_refused_with_its_limits(code, name, raw, problem, limits):
    # Given an input / When something else is typed
    refused = accepts(BY_CODE[code], name, raw)

    # Then the problem says why and what would do
    assert isinstance(refused, ParameterProblem)
    assert (refused.name, refused.problem) == (name, problem)
    assert (refused.minimum, refused.maximum) == limits
    assert (problem is Problem.NOT_A_CHOICE) == bool(refused.choices)


@given(raw=st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()))
def test_nothing_typed_ever_breaks_an_input(raw):
    # Given every visible input of every model / When anything at all is typed
    for model in (BY_CODE["qw"], BY_CODE["qw3"], BY_CODE["ig3"], BY_CODE["im4"]):
        for item in model.inputs:
            accepted = accepts(model, item.name, raw)

            # Then it is refused in words, or is a value that is accepted again
            if not isinstance(accepted, ParameterProblem):
                assert accepts(model, item.name, accepted) == accepted


@pytest.mark.parametrize(
    ("code", "parameters", "broken"),
    [
        ("gi2", {"resolution": "2K"}, "aspect_ratio"),
        ("gi2", {"resolution": "4K", "aspect_ratio": "auto"}, "aspect_ratio"),
        ("gi2", {"resolution": "2K", "aspect_ratio": "5:4"}, "aspect_ratio"),
        ("gi2", {"resolution": "4K", "aspect_ratio": "1:1"}, "aspect_ratio"),
        ("gi2", {"resolution": "2K", "aspect_ratio": "1:1", "background": "opaque"}, "background"),
        ("gi25f", {"resolution": "2K", "aspect_ratio": "27:16"}, "aspect_ratio"),
        ("gi25s", {"resolution": "4K", "aspect_ratio": "8:9"}, "aspect_ratio"),
        ("qw21", {"background": "transparent", "output_format": "jpeg"}, "output_format"),
    ],
)
def test_a_combination_that_kie_refuses_is_refused_before_it_is_paid(code, parameters, broken):
    # Given values that are fine one by one / When they are checked together
    problems = check_parameters(BY_CODE[code], parameters)

    # Then the one to change is named, with what it goes against
    assert [(p.name, p.problem) for p in problems] == [(broken, Problem.FORBIDDEN)]
    assert problems[0].against
    assert parameters.get(broken, "auto") not in problems[0].choices


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("gi2", {"resolution": "2K", "aspect_ratio": "1:1"}),
        ("gi2", {"resolution": "4K", "aspect_ratio": "5:4"}),
        ("gi2", {"background": "transparent"}),
        ("gi25f", {"resolution": "1K", "aspect_ratio": "27:16"}),
        ("gi25s", {"resolution": "4K"}),
        ("qw21", {"background": "transparent", "output_format": "webp"}),
    ],
)
def test_a_combination_that_kie_takes_is_taken(code, parameters):
    # Given values next to the forbidden ones / When they are checked / Then all is well
    assert check_parameters(BY_CODE[code], parameters) == []


def test_values_that_lost_their_place_are_each_named():
    # Given stored values of a model that has changed since
    stored = {"resolution": "8K", "wings": 2, "nsfw_checker": False}

    # When they are checked / Then every one is named
    problems = {item.name: item.problem for item in check_parameters(BY_CODE["nb2"], stored)}
    assert problems == {
        "resolution": Problem.NOT_A_CHOICE,
        "wings": Problem.UNKNOWN,
        "nsfw_checker": Problem.UNKNOWN,
    }


def test_choices_shrink_with_what_was_chosen_before():
    # Given GPT Image 2 at 4K
    model = BY_CODE["gi2"]

    # When the shapes are listed, and the resolutions for two shapes
    shapes = allowed_values(model, {"resolution": "4K", "aspect_ratio": "16:9"}, "aspect_ratio")
    free = allowed_values(model, {"aspect_ratio": "16:9"}, "resolution")
    bound = allowed_values(model, {"aspect_ratio": "auto"}, "resolution")

    # Then only what KIE takes is among them
    assert not {"auto", "1:1", "3:1", "1:3", "9:21"} & set(shapes)
    assert {"16:9", "5:4"} <= set(shapes)
    assert (free, bound) == (("1K", "2K", "4K"), ("1K",))


def test_choices_of_switches_numbers_and_strangers():
    # Given inputs without an enum / When their values are listed / Then only switches have any
    model = BY_CODE["qw3"]
    assert allowed_values(model, {}, "prompt_extend") == (False, True)
    assert allowed_values(model, {}, "seed") == ()
    assert allowed_values(model, {}, "nsfw_checker") == ()
    assert allowed_values(model, {}, "wings") == ()


@pytest.mark.parametrize(
    ("code", "prompt", "problem", "limits"),
    [
        ("zi", "", Problem.EMPTY, (1, 1000)),
        ("zi", " \x00\n", Problem.EMPTY, (1, 1000)),
        ("zi", "x" * 1001, Problem.TOO_LONG, (1, 1000)),
        ("qw2", "🍎" * 801, Problem.TOO_LONG, (1, 800)),
        ("sd5p", "ab", Problem.TOO_SHORT, (3, 5000)),
        ("gk", "x" * 5001, Problem.TOO_LONG, (1, 5000)),
    ],
)
def test_a_prompt_outside_the_models_limits_is_refused_with_them(code, prompt, problem, limits):
    # Given a prompt that is empty, too short or too long / When it is checked
    refused = check_prompt(BY_CODE[code], prompt)

    # Then the limits are said in characters
    assert refused is not None
    assert (refused.name, refused.problem) == ("prompt", problem)
    assert (refused.minimum, refused.maximum) == limits


@pytest.mark.parametrize("prompt", ["x" * 1000, "🍎" * 1000, "<b>&amp;", "\u202eright to left"])
def test_a_prompt_within_the_limits_is_taken_as_it_is(prompt):
    # Given emoji, markup or right-to-left text of the longest length
    # When it is checked / Then it is fine and goes out unchanged
    assert check_prompt(BY_CODE["zi"], prompt) is None
    assert task_plan(BY_CODE["zi"], {}, 1, prompt=prompt)[0].input["prompt"] == prompt


def test_a_prompt_is_cleaned_of_what_no_database_holds():
    # Given control signs, a lone surrogate and Windows line ends / When it is cleaned
    cleaned = clean_prompt("  a\x00 red\x07\tapple\r\non \ud83d a table\u200d\x1b ")

    # Then only they are gone
    assert cleaned == "a red apple\non  a table\u200d"


@given(st.text())
def test_a_cleaned_prompt_is_clean(text):
    # Given any text / When it is cleaned / Then it stays so and can be stored
    cleaned = clean_prompt(text)
    assert clean_prompt(cleaned) == cleaned
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")


@pytest.mark.parametrize("style", [code for code in load_styles() if code != "none"])
def test_a_style_adds_its_words_within_the_models_limit(style):
    # Given the shortest limit there is and a prompt that just fits with the style
    model, suffix = BY_CODE["qw2"], load_styles()[style].suffix
    longest = "x" * (800 - len(suffix) - 2)

    # When it is checked and sent / Then it fits exactly, and one sign more is refused
    assert check_prompt(model, longest, style=style) is None
    sent = task_plan(model, {}, 1, prompt=longest, style=style)[0].input["prompt"]
    assert sent == f"{longest}, {suffix}"
    assert len(sent) == 800
    refused = check_prompt(model, longest + "x", style=style)
    assert refused is not None
    assert refused.maximum == len(longest)


def test_a_model_with_a_style_of_its_own_takes_no_preset():
    # Given Ideogram, which has a style parameter / When a preset is named
    model = BY_CODE["ig3"]
    assert model.style_input is not None

    # Then nothing is added to the prompt
    assert styled_prompt(model, "a red apple", style="anime") == "a red apple"


def test_a_preset_that_is_no_longer_there_adds_nothing():
    # Given a stored style that was since removed / When it is used / Then the prompt stands alone
    assert styled_prompt(BY_CODE["zi"], "a red apple", style="baroque") == "a red apple"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_every_choice_offered_can_be_sold_alone(model):
    # Given each value a card offers when nothing was chosen
    for item in model.inputs:
        for value in allowed_values(model, {}, item.name):
            # When only that is chosen / Then it passes all checks
            assert check_parameters(model, {item.name: value}) == []
