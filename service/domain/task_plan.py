"""Turns a quote into requests: exactly the `input` of each createTask."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.model import Input, Model, Screen, Value
from service.domain.parameters import count_choices, styled_prompt
from service.domain.styles import NO_STYLE

_SEED = "seed"
#: Seeds wrap here where a model documents no highest one.
_SEED_MAX = 2_147_483_647


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One createTask: what is sent, and how many pictures it is asked and paid for."""

    input: dict[str, Value]
    pictures: int


def task_plan(
    model: Model,
    parameters: Mapping[str, Value],
    count: int,
    *,
    prompt: str,
    style: str = NO_STYLE,
) -> tuple[TaskRequest, ...]:
    """Split an order into requests; together they make exactly `count` pictures."""
    assert count in count_choices(model), f"{model.id} is not sold as {count} pictures"
    sent = styled_prompt(model, prompt, style=style)
    each = count if model.pictures.parameter else model.pictures.per_request
    return tuple(
        TaskRequest(_input(model, parameters, prompt=sent, pictures=each, index=index), each)
        for index in range(count // each)
    )


def _input(
    model: Model, parameters: Mapping[str, Value], *, prompt: str, pictures: int, index: int
) -> dict[str, Value]:
    built: dict[str, Value] = {}
    for item in model.inputs:
        value: Value | None
        if item.name == "prompt":
            value = prompt
        elif item.screen is Screen.COUNT:
            value = pictures
        else:
            value = _sent(item, parameters, index)
        if value is not None and value != "":
            built[item.name] = value
    return built


def _sent(item: Input, parameters: Mapping[str, Value], index: int) -> Value | None:
    """Give what is sent for an input; None: it is left out, since KIE takes the same by itself."""
    if item.screen is Screen.HIDDEN:
        fixed = item.initial if item.required else None
        return fixed if item.send is None else item.send
    value = parameters.get(item.name, item.initial)
    if item.name == _SEED and value is not None:
        value = _seed(item, value, index)
    is_implied = not item.required and item.preset is None and value == item.default
    return None if is_implied else value


def _seed(item: Input, value: Value, index: int) -> Value:
    """Give each request of one order a seed of its own: equal ones make equal pictures."""
    if index == 0:
        return value
    if isinstance(value, int):
        highest = _SEED_MAX if item.maximum is None else int(item.maximum)
        return (value + index) % (highest + 1)
    text = str(value)
    if text.isascii() and text.isdecimal():
        return str(int(text) + index)
    return f"{text}-{index + 1}"[-(item.max_length or len(text) + 4) :]
