"""The rules over what a user may choose for one model, and over the prompt."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from service.domain.model import Input, InputType, Model, Parameters, Screen, Value
from service.domain.styles import NO_STYLE, load_styles

#: The longest prompt where a model documents no limit.
PROMPT_LENGTH_MAX = 5000
#: Longer than any number a person types; keeps the parser from absurd ones.
_NUMBER_LENGTH_MAX = 32
#: Stands between the prompt and a style's words.
_SUFFIX_JOINT = ", "
_ON = frozenset({"true", "1", "on", "yes", "да", "вкл"})
_OFF = frozenset({"false", "0", "off", "no", "нет", "выкл"})


class Problem(StrEnum):
    """Why a value is refused; each has a text `problem-<value>` in every language."""

    UNKNOWN = "unknown"
    NOT_A_CHOICE = "not-a-choice"
    NOT_A_NUMBER = "not-a-number"
    NOT_WHOLE = "not-whole"
    NOT_A_SWITCH = "not-a-switch"
    OUT_OF_RANGE = "out-of-range"
    EMPTY = "empty"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterProblem:
    """One refused value with the limits to be told; lengths are in characters."""

    name: str
    problem: Problem
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[Value, ...] = ()
    #: The other inputs of a forbidden combination.
    against: tuple[str, ...] = ()


def visible_inputs(model: Model) -> tuple[Input, ...]:
    """List the inputs that a user may choose, in the order of the file."""
    return tuple(item for item in model.inputs if item.is_visible)


def default_parameters(model: Model) -> Parameters:
    """Give the values a card starts with; an input left to the model is absent."""
    return {i.name: i.initial for i in visible_inputs(model) if i.initial is not None}


def effective_parameters(model: Model, parameters: Mapping[str, Value]) -> Parameters:
    """Give what will hold: the defaults, then what was chosen."""
    return default_parameters(model) | dict(parameters)


def count_choices(model: Model) -> tuple[int, ...]:
    """List how many pictures one card may ask for."""
    step = model.pictures.per_request
    return tuple(range(step, model.pictures.maximum + 1, step))


def accepts(model: Model, name: str, raw: object) -> Value | ParameterProblem:
    """Turn what was typed, pressed or stored into the input's value, or say why it is refused."""
    item = model.input(name)
    if item is None or not item.is_visible:
        return ParameterProblem(name=name, problem=Problem.UNKNOWN)
    if item.choices:
        return _choice(item, raw)
    match item.type:
        case InputType.BOOLEAN:
            return _switch(item, raw)
        case InputType.INTEGER | InputType.NUMBER:
            return _number(item, raw)
        case _:
            return _text(item, raw)


def _choice(item: Input, raw: object) -> Value | ParameterProblem:
    wanted = str(raw).strip().casefold()
    for choice in item.choices:
        if str(choice).casefold() == wanted:
            return choice
    return ParameterProblem(name=item.name, problem=Problem.NOT_A_CHOICE, choices=item.choices)


def _switch(item: Input, raw: object) -> Value | ParameterProblem:
    word = str(raw).strip().casefold()
    if word in _ON or word in _OFF:
        return word in _ON
    return ParameterProblem(name=item.name, problem=Problem.NOT_A_SWITCH)


def _number(item: Input, raw: object) -> Value | ParameterProblem:
    typed = str(raw).strip().replace(",", ".").replace("\u2212", "-")
    number = _decimal(typed)
    problem = Problem.NOT_A_NUMBER
    if number is not None and not isinstance(raw, bool):
        if _outside(item, number):
            problem = Problem.OUT_OF_RANGE
        elif number == number.to_integral_value():
            return int(number)
        elif item.type is InputType.NUMBER:
            return float(number)
        else:
            problem = Problem.NOT_WHOLE
    return ParameterProblem(
        name=item.name, problem=problem, minimum=item.minimum, maximum=item.maximum
    )


def _decimal(typed: str) -> Decimal | None:
    if len(typed) > _NUMBER_LENGTH_MAX:
        return None
    try:
        number = Decimal(typed)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _outside(item: Input, number: Decimal) -> bool:
    too_small = item.minimum is not None and number < Decimal(str(item.minimum))
    return too_small or (item.maximum is not None and number > Decimal(str(item.maximum)))


def _text(item: Input, raw: object) -> Value | ParameterProblem:
    text = clean_prompt(str(raw))
    maximum = PROMPT_LENGTH_MAX if item.max_length is None else item.max_length
    problem = _length_problem(item.name, text, item.min_length, maximum)
    return text if problem is None else problem


def _length_problem(name: str, text: str, minimum: int, maximum: int) -> ParameterProblem | None:
    least = max(minimum, 1)
    if not text:
        problem = Problem.EMPTY
    elif len(text) < least:
        problem = Problem.TOO_SHORT
    elif len(text) > maximum:
        problem = Problem.TOO_LONG
    else:
        return None
    return ParameterProblem(name=name, problem=problem, minimum=least, maximum=maximum)


def check_parameters(model: Model, parameters: Mapping[str, Value]) -> list[ParameterProblem]:
    """List what is wrong with these values, combinations included; empty: they can be sold."""
    problems = []
    for name, value in parameters.items():
        accepted = accepts(model, name, value)
        if isinstance(accepted, ParameterProblem):
            problems.append(accepted)
    values = effective_parameters(model, parameters)
    for rule in model.forbidden:
        broken = rule.broken_by(values)
        if broken is not None:
            against = tuple(sorted(rule.names() - {broken}))
            choices = allowed_values(model, parameters, broken)
            problems.append(
                ParameterProblem(
                    name=broken, problem=Problem.FORBIDDEN, choices=choices, against=against
                )
            )
    return problems


def allowed_values(model: Model, parameters: Mapping[str, Value], name: str) -> tuple[Value, ...]:
    """List the values of one input that the present values of the others don't forbid."""
    item = model.input(name)
    if item is None or not item.is_visible:
        return ()
    choices = (False, True) if item.screen is Screen.TOGGLE else item.choices
    values = effective_parameters(model, parameters)
    rules = [rule for rule in model.forbidden if name in rule.names()]
    return tuple(
        choice
        for choice in choices
        if not any(rule.broken_by(values | {name: choice}) for rule in rules)
    )


def clean_prompt(text: str) -> str:
    """Take out what no model and no database can hold: NUL, control signs, broken surrogates.

    What nobody could see, such as zero-width signs alone, is as good as empty.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (
        sign for sign in lines if sign == "\n" or unicodedata.category(sign) not in {"Cc", "Cs"}
    )
    cleaned = "".join(kept).strip()
    is_seen = any(unicodedata.category(sign)[0] not in "CZ" for sign in cleaned)
    return cleaned if is_seen else ""


def check_prompt(model: Model, prompt: str, *, style: str = NO_STYLE) -> ParameterProblem | None:
    """Say what is wrong with a prompt; its limit leaves room for the style's words."""
    item = model.input("prompt")
    assert item is not None, "a model without prompt is not sold"
    maximum = PROMPT_LENGTH_MAX if item.max_length is None else item.max_length
    room = maximum - len(_style_words(model, style))
    return _length_problem("prompt", clean_prompt(prompt), item.min_length, room)


def styled_prompt(model: Model, prompt: str, *, style: str) -> str:
    """Give the prompt as it is sent: with a preset's words where the model has no own style."""
    return clean_prompt(prompt) + _style_words(model, style)


def _style_words(model: Model, style: str) -> str:
    """Give what a style adds; a style that is no longer there adds nothing."""
    preset = load_styles().get(style)
    if preset is None or not preset.suffix or model.style_input is not None:
        return ""
    return _SUFFIX_JOINT + preset.suffix
