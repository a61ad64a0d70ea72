"""Composing a picture: model, settings, prompt, card, confirmation."""

from dataclasses import replace

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from service.bells import SubmitTasks
from service.bot import card_views, views
from service.bot.callbacks import (
    Confirm,
    LeaveInput,
    OpenInput,
    OpenModels,
    PickModel,
    Repeat,
    SetInput,
)
from service.bot.draft import Draft
from service.bot.filters import Opens, PlainText
from service.bot.incoming import editable_message_id
from service.bot.screens import Redraw, Replies, Ring, Say, Screen, Toast
from service.bot.turn import Turn
from service.domain.catalogue import (
    Input,
    Kind,
    ParameterProblem,
    Problem,
    accepts,
    check_prompt,
    clean_prompt,
    count_choices,
    load_styles,
)
from service.domain.money import Kopecks
from service.domain.parameters import PROMPT_LENGTH_MAX
from service.errors import UserError
from service.flows.confirm_quote import confirm_quote
from service.flows.quote_draft import quote_draft
from service.flows.usual_time import usual_time_s
from service.store import generations, ledger, rates
from service.store.generations import Generation, Quote

router = Router(name="compose")

#: The next text is the prompt, although it would be anyway: /cancel leaves this question.
WAITING_FOR_PROMPT = "prompt"


@router.message(Command("generate", ignore_mention=True))
async def generate(message: Message, turn: Turn) -> Replies:
    """Post the picture being composed."""
    return [Say(await compose_screen(turn))]


@router.callback_query(Opens("generate"))
async def show_draft(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the picture being composed."""
    return [Redraw(await compose_screen(turn))]


@router.message(Command("models", ignore_mention=True))
async def models(message: Message, turn: Turn) -> Replies:
    """Post the kinds of models."""
    return [Say(views.model_kinds(turn))]


@router.callback_query(Opens("models"))
async def show_models(query: CallbackQuery, turn: Turn) -> Replies:
    """Turn the screen into the kinds of models."""
    return [Redraw(views.model_kinds(turn))]


@router.callback_query(OpenModels.filter())
async def models_page(query: CallbackQuery, callback_data: OpenModels, turn: Turn) -> Replies:
    """Turn the screen into a page of models."""
    kinds = turn.deps.catalogue.on_sale_by_kind()
    if callback_data.kind not in kinds:
        return [Toast(turn.say("old-button")), Redraw(views.model_kinds(turn))]
    kind = Kind(callback_data.kind)
    times_s = {m.id: await usual_time_s(turn.db, m) for m in kinds[kind]}
    screen = views.models_page(
        turn, kind, callback_data.page, rates=await rates.get(turn.db), times_s=times_s
    )
    return [Redraw(screen)]


@router.callback_query(PickModel.filter())
async def pick_model(query: CallbackQuery, callback_data: PickModel, turn: Turn) -> Replies:
    """Compose with another model."""
    model = turn.deps.catalogue.by_code.get(callback_data.code)
    if model is None or not model.on_sale or model.id in turn.gone:
        return [Toast(turn.say("model-gone"), alert=True), Redraw(views.model_kinds(turn))]
    await turn.keep_draft(turn.draft.with_model(model))
    return [Redraw(await compose_screen(turn))]


@router.callback_query(OpenInput.filter())
async def open_input(query: CallbackQuery, callback_data: OpenInput, turn: Turn) -> Replies:
    """Ask for one setting."""
    if callback_data.code != turn.model.code:
        return await _old_button(turn)
    match callback_data.name:
        case "prompt":
            await turn.wait_for(WAITING_FOR_PROMPT)
            return [Redraw(card_views.prompt_screen(turn, length_max=_prompt_max(turn)))]
        case "count":
            return [Redraw(card_views.count_screen(turn))]
        case "style" if turn.model.style_input is None:
            return [Redraw(card_views.style_screen(turn))]
    item = turn.model.input(callback_data.name)
    if item is None or not item.is_visible:
        return await _old_button(turn)
    if item.choices:
        return [Redraw(card_views.choice_screen(turn, item))]
    await turn.wait_for(item.name)
    return [Redraw(card_views.typed_screen(turn, item))]


@router.callback_query(SetInput.filter())
async def set_input(query: CallbackQuery, callback_data: SetInput, turn: Turn) -> Replies:
    """Give a setting its value."""
    if callback_data.code != turn.model.code:
        return await _old_button(turn)
    draft = turn.draft
    match callback_data.name:
        case "count" if callback_data.value in map(str, count_choices(turn.model)):
            await turn.keep_draft(replace(draft, pictures=int(callback_data.value)))
        case "style" if turn.model.style_input is None and callback_data.value in load_styles():
            await turn.keep_draft(replace(draft, style=callback_data.value))
        case name:
            return await _set_value(turn, name, callback_data.value)
    return [Redraw(await compose_screen(turn))]


async def _set_value(turn: Turn, name: str, raw: str) -> Replies:
    value = accepts(turn.model, name, raw)
    if isinstance(value, ParameterProblem):
        return await _old_button(turn)
    draft, adjusted = turn.draft.with_value(turn.model, name, value)
    await turn.keep_draft(draft)
    screen = await compose_screen(turn)
    if adjusted:
        notice = card_views.adjusted_text(turn, turn.model, adjusted)
        return [Toast(notice, alert=True), Redraw(screen)]
    return [Redraw(screen)]


@router.callback_query(LeaveInput.filter())
async def leave_input(query: CallbackQuery, callback_data: LeaveInput, turn: Turn) -> Replies:
    """Leave a setting to the model."""
    if callback_data.code != turn.model.code:
        return await _old_button(turn)
    await turn.keep_draft(turn.draft.without(callback_data.name))
    return [Redraw(await compose_screen(turn))]


@router.message(PlainText())
async def take_text(message: Message, words: str, turn: Turn) -> Replies:
    """Take a text as the answer to what was asked, else as a prompt for the last used model."""
    waiting_for = turn.conversation.waiting_for
    item = turn.model.input(waiting_for) if waiting_for else None
    if item is not None and item.is_visible and waiting_for != WAITING_FOR_PROMPT:
        return await _take_value(turn, item, words)
    return await _take_prompt(turn, words)


async def _take_value(turn: Turn, item: Input, words: str) -> Replies:
    value = accepts(turn.model, item.name, words)
    if isinstance(value, ParameterProblem):
        problem = card_views.problem_text(turn, value, length=len(words))
        again = card_views.typed_screen(turn, item)
        return [Say(Screen(problem, again.rows))]
    draft, adjusted = turn.draft.with_value(turn.model, item.name, value)
    await turn.keep_draft(draft)
    screen = await compose_screen(turn)
    if adjusted:
        notice = card_views.adjusted_text(turn, turn.model, adjusted)
        screen = Screen(f"{notice}\n\n{screen.text}", screen.rows)
    return [Say(screen)]


async def _take_prompt(turn: Turn, words: str) -> Replies:
    prompt = clean_prompt(words)
    problem = check_prompt(turn.model, prompt, style=turn.draft.style)
    if problem is None or problem.problem is Problem.TOO_LONG:
        # One that is too long for this model is kept: another model may take it.
        await turn.keep_draft(replace(turn.draft, prompt=prompt))
    if problem is None:
        return [Say(await compose_screen(turn))]
    return [Say(card_views.refused_prompt(turn, problem, length=len(prompt)))]


@router.callback_query(Confirm.filter())
async def confirm(query: CallbackQuery, callback_data: Confirm, turn: Turn) -> Replies:
    """Buy what the card promises, once; the card becomes the status message."""
    quote_id = callback_data.quote_id
    try:
        confirmed = await confirm_quote(
            turn.db, turn.deps, user_id=turn.user.user_id, quote_id=quote_id,
            status_message_id=editable_message_id(query),
        )  # fmt: skip
    except UserError as error:
        return await _refused(turn, error, quote_id)
    if confirmed is None:
        return [Toast(turn.say("already-confirmed"))]
    await _close_draft(turn, quote_id)
    return [Toast(turn.say("confirmed")), Ring(SubmitTasks())]


async def _close_draft(turn: Turn, quote_id: int) -> None:
    """Forget a prompt that is bought now: the next picture starts from new words."""
    quote = await generations.get_quote(turn.db, quote_id, user_id=turn.user.user_id)
    if quote is not None and quote.prompt == turn.draft.prompt:
        await turn.keep_draft(replace(turn.draft, prompt=""))


async def _refused(turn: Turn, error: UserError, quote_id: int) -> Replies:
    """Say why nothing was bought, and show that card anew: it survives whatever was wrong."""
    missing = Kopecks(0)
    quote = await generations.get_quote(turn.db, quote_id, user_id=turn.user.user_id)
    if quote is not None:
        await _draw_again(turn, quote)
        balances = await ledger.get_balances(turn.db, turn.user.user_id)
        # What the whole card lacks, as it says itself; the hold that failed knows its own part.
        missing = Kopecks(max(0, quote.price_kopecks - balances.spendable_kopecks))
    words = turn.say(error.reason, missing=turn.money(missing))
    return [Toast(words, alert=True), Redraw(await compose_screen(turn))]


async def _draw_again(turn: Turn, bought: Quote | Generation) -> None:
    """Compose what was composed before."""
    draft = Draft(
        model_id=bought.model_id, parameters=bought.parameters, pictures=bought.pictures,
        style=bought.style, prompt=bought.prompt,
    )  # fmt: skip
    await turn.keep_draft(draft)


@router.callback_query(Repeat.filter())
async def repeat(query: CallbackQuery, callback_data: Repeat, turn: Turn) -> Replies:
    """Post a new card from an earlier generation, at today's price."""
    generation = await generations.get(turn.db, callback_data.generation_id)
    if generation is None or generation.user_id != turn.user.user_id:
        return [Toast(turn.say("not-found"))]
    await _draw_again(turn, generation)
    return [Say(await compose_screen(turn))]


async def compose_screen(turn: Turn) -> Screen:
    """Show the card with a promised price, or the draft while its prompt is missing or bad."""
    draft, model = turn.draft, turn.model
    usual_s = await usual_time_s(turn.db, model)
    if not draft.prompt:
        current = await rates.get(turn.db)
        return card_views.draft_screen(turn, rates=current, usual_s=usual_s)
    problem = check_prompt(model, draft.prompt, style=draft.style)
    if problem is not None:
        line = card_views.problem_text(turn, problem, length=len(draft.prompt))
        screen = card_views.draft_screen(turn, rates=await rates.get(turn.db), usual_s=usual_s)
        return Screen(f"{screen.text}\n\n{line}", screen.rows)
    card = await quote_draft(
        turn.db, turn.deps, user_id=turn.user.user_id, model=model,
        parameters=draft.parameters, pictures=draft.pictures, style=draft.style,
        prompt=draft.prompt,
    )  # fmt: skip
    return card_views.card_screen(turn, card, usual_s=usual_s)


async def _old_button(turn: Turn) -> Replies:
    return [Toast(turn.say("old-button")), Redraw(await compose_screen(turn))]


def _prompt_max(turn: Turn) -> int:
    item = turn.model.input("prompt")
    return item.max_length if item and item.max_length else PROMPT_LENGTH_MAX
