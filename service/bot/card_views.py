"""Screens of composing: the draft, the card with its price, and the question for each setting."""

from collections.abc import Sequence

from service.bot.callbacks import Confirm, LeaveInput, Open, OpenInput, SetInput
from service.bot.screens import Button, Screen, excerpt, in_columns, in_pairs
from service.bot.turn import Turn
from service.bot.views import menu_button, picture_price, ticked, usual_time
from service.domain.catalogue import (
    Input,
    Model,
    ParameterProblem,
    Problem,
    Value,
    count_choices,
    default_parameters,
    load_styles,
    visible_inputs,
)
from service.domain.catalogue import (
    Screen as InputScreen,
)
from service.domain.pricing import Rates
from service.flows.quote_draft import QuotedCard
from service.texts import Html, has

#: Enough of the prompt to recognise it; the card must stay one message.
PROMPT_SHOWN = 700
#: A message holds 4096 UTF-16 units; a prompt of emoji only takes two for each.
PROMPT_COPIED_MAX = 1500


def draft_screen(turn: Turn, *, rates: Rates, usual_s: float | None) -> Screen:
    """Show a draft that lacks its prompt."""
    model = turn.model
    words = turn.say(
        "draft",
        model=model.name,
        blurb=model.blurb.get(turn.locale, ""),
        time=usual_time(turn.locale, usual_s),
        price=turn.money(picture_price(model, rates, turn.draft.parameters)),
    )
    return Screen(words, [*_setting_rows(turn), [_model_button(turn)], [menu_button(turn)]])


def card_screen(turn: Turn, card: QuotedCard, *, usual_s: float | None) -> Screen:
    """Show a draft with its price and the button that confirms, or what is missing for it."""
    draft, model = turn.draft, turn.model
    words = turn.say(
        "card",
        model=model.name,
        time=usual_time(turn.locale, usual_s),
        prompt=excerpt(draft.prompt, length_max=PROMPT_SHOWN),
        parameters=_summary(turn),
        pictures=draft.pictures,
        picture_price=turn.money(card.price.picture_kopecks),
        price=turn.money(card.price.total_kopecks),
    )
    prompt = Button(turn.say("button-prompt"), OpenInput(code=model.code, name="prompt"))
    footer = [*in_pairs([prompt, _model_button(turn)]), [menu_button(turn)]]
    return Screen(
        f"{words}\n\n{_affordable(turn, card)}",
        [*_buying_rows(turn, card), *_setting_rows(turn), *footer],
    )


def _affordable(turn: Turn, card: QuotedCard) -> str:
    spendable = turn.money(card.spendable_kopecks)
    if not card.missing_kopecks:
        return turn.say("card-valid", spendable=spendable)
    return turn.say("card-missing", missing=turn.money(card.missing_kopecks), spendable=spendable)


def _buying_rows(turn: Turn, card: QuotedCard) -> list[list[Button]]:
    """Give the button that confirms; it stays where money is missing, which may come any time."""
    price = Html(turn.money(card.price.total_kopecks))
    rows = [[Button(turn.say("button-confirm", price=price), Confirm(quote_id=card.quote_id))]]
    if card.missing_kopecks:
        rows.insert(0, [Button(turn.say("button-topup"), Open(screen="topup"))])
    return rows


def _summary(turn: Turn) -> str:
    values = default_parameters(turn.model) | turn.draft.parameters
    parts = [
        f"{input_name(turn, item)}: {value_name(turn, values[item.name])}"
        for item in visible_inputs(turn.model)
        if item.name in values
    ]
    if turn.model.style_input is None:
        parts.append(f"{turn.say('input-style')}: {style_name(turn, turn.draft.style)}")
    return " · ".join(parts)


def _setting_rows(turn: Turn) -> list[list[Button]]:
    """Give a button for each setting, with its present value."""
    draft, model = turn.draft, turn.model
    values = default_parameters(model) | draft.parameters
    buttons = [_setting_button(turn, item, values.get(item.name)) for item in visible_inputs(model)]
    if len(count_choices(model)) > 1:
        label = turn.say("button-count", count=draft.pictures)
        buttons.append(Button(label, OpenInput(code=model.code, name="count")))
    if model.style_input is None:
        label = turn.say("button-style", style=Html(style_name(turn, draft.style)))
        buttons.append(Button(label, OpenInput(code=model.code, name="style")))
    return in_pairs(buttons)


def _setting_button(turn: Turn, item: Input, value: Value | None) -> Button:
    code = turn.model.code
    label = turn.say(
        "button-parameter",
        name=Html(input_name(turn, item)),
        value=Html(excerpt(value_name(turn, value), length_max=16)),
    )
    if item.screen is InputScreen.TOGGLE:
        # A switch needs no screen of its own: the button turns it.
        value = "false" if value else "true"
        return Button(label, SetInput(code=code, name=item.name, value=value))
    return Button(label, OpenInput(code=code, name=item.name))


def _model_button(turn: Turn) -> Button:
    return Button(turn.say("button-model", model=Html(turn.model.name)), Open(screen="models"))


def choice_screen(turn: Turn, item: Input) -> Screen:
    """Ask for one of a few values."""
    current = (default_parameters(turn.model) | turn.draft.parameters).get(item.name)
    code = turn.model.code
    buttons = [
        Button(
            ticked(value_name(turn, choice), is_current=choice == current),
            SetInput(code=code, name=item.name, value=str(choice)),
        )
        for choice in item.choices
    ]
    words = _with_hint(turn, item, turn.say("ask-choice", name=input_name(turn, item)))
    return Screen(words, [*in_columns(buttons), *_leave_row(turn, item), _back_row(turn)])


def typed_screen(turn: Turn, item: Input) -> Screen:
    """Ask for a number or a text, which is typed."""
    if item.screen is InputScreen.NUMBER:
        limits = number_limits(turn, item.minimum, item.maximum)
        words = turn.say("ask-number", name=input_name(turn, item), limits=limits)
    else:
        maximum = item.max_length or PROMPT_SHOWN
        words = turn.say("ask-text", name=input_name(turn, item), maximum=maximum)
    words = _with_hint(turn, item, words)
    return Screen(words, [*_leave_row(turn, item), _back_row(turn)])


def prompt_screen(turn: Turn, *, length_max: int) -> Screen:
    """Ask for the prompt; the present one can be copied with one touch, to be changed."""
    words = turn.say("ask-prompt", maximum=length_max)
    prompt = turn.draft.prompt
    if 0 < len(prompt) <= PROMPT_COPIED_MAX:
        words = f"{words}\n\n{turn.say('prompt-now', prompt=prompt)}"
    return Screen(words, [_back_row(turn)])


def refused_prompt(turn: Turn, problem: ParameterProblem, *, length: int) -> Screen:
    """Say what is wrong with a prompt; a longer one may suit another model."""
    words = problem_text(turn, problem, length=length)
    if problem.problem is not Problem.TOO_LONG:
        return Screen(words, [[menu_button(turn)]])
    words = f"{words} {turn.say('try-another-model')}"
    return Screen(words, [[_model_button(turn)], [menu_button(turn)]])


def count_screen(turn: Turn) -> Screen:
    """Ask how many pictures."""
    code = turn.model.code
    buttons = [
        Button(
            ticked(str(count), is_current=count == turn.draft.pictures),
            SetInput(code=code, name="count", value=str(count)),
        )
        for count in count_choices(turn.model)
    ]
    return Screen(turn.say("ask-count"), [buttons, _back_row(turn)])


def style_screen(turn: Turn) -> Screen:
    """Ask for a style preset."""
    code = turn.model.code
    buttons = [
        Button(
            ticked(style_name(turn, style), is_current=style == turn.draft.style),
            SetInput(code=code, name="style", value=style),
        )
        for style in load_styles()
    ]
    return Screen(turn.say("ask-style"), [*in_columns(buttons), _back_row(turn)])


def problem_text(turn: Turn, problem: ParameterProblem, *, length: int = 0) -> str:
    """Say in one friendly line what is wrong, with the limit."""
    return turn.say(
        f"problem-{problem.problem}",
        limits=number_limits(turn, problem.minimum, problem.maximum),
        minimum=problem.minimum or 1,
        maximum=problem.maximum or 0,
        length=length,
    )


def adjusted_text(turn: Turn, model: Model, names: Sequence[str]) -> str:
    """Say which other settings gave way."""
    values = default_parameters(model) | turn.draft.parameters
    inputs = [item for name in names if (item := model.input(name))]
    return "\n".join(
        turn.say(
            "adjusted",
            name=input_name(turn, item),
            value=value_name(turn, values.get(item.name)),
        )
        for item in inputs
    )


def number_limits(turn: Turn, minimum: float | None, maximum: float | None) -> str:
    """Say between what a number must lie."""
    if minimum is not None and maximum is not None:
        return turn.say("number-between", minimum=f"{minimum:g}", maximum=f"{maximum:.10g}")
    if minimum is not None:
        return turn.say("number-from", minimum=f"{minimum:g}")
    return turn.say("number-any")


def input_name(turn: Turn, item: Input) -> str:
    """Name a setting; one without words of ours keeps KIE's name."""
    key = f"input-{item.name}"
    return turn.say(key) if has(key, turn.locale) else item.name


def value_name(turn: Turn, value: Value | None) -> str:
    """Name a value: words where there are some, else the value itself."""
    if value is None:
        return turn.say("value-unset")
    if isinstance(value, bool):
        return turn.say("value-on" if value else "value-off")
    key = f"value-{str(value).lower()}"
    is_word = str(value).replace("_", "").isalnum() and has(key, turn.locale)
    return turn.say(key) if is_word else str(value)


def style_name(turn: Turn, code: str) -> str:
    """Name a style preset."""
    style = load_styles()[code]
    return f"{style.emoji} {style.name[turn.locale]}"


def _with_hint(turn: Turn, item: Input, words: str) -> str:
    """Explain a setting whose name alone says little."""
    key = f"hint-{item.name}"
    return f"{words}\n\n{turn.say(key)}" if has(key, turn.locale) else words


def _leave_row(turn: Turn, item: Input) -> list[list[Button]]:
    if item.required or (item.screen is not InputScreen.NUMBER and not item.may_be_unset):
        return []
    leave = LeaveInput(code=turn.model.code, name=item.name)
    return [[Button(turn.say("button-leave"), leave)]]


def _back_row(turn: Turn) -> list[Button]:
    return [Button(turn.say("button-back"), Open(screen="generate")), menu_button(turn)]
