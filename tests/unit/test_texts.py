"""The words of the bot: the same keys in both languages, all used, all whole, none too long."""

import ast
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fluent.syntax import ast as fluent
from fluent.syntax import parse
from fluent.syntax.visitor import Visitor

import service
from service.bot.commands import SHOWN
from service.domain.catalogue import Problem, load_catalogue, load_styles, visible_inputs
from service.domain.generation import FailureReason
from service.store.ledger import MovementKind
from service.texts import LOCALES, Html, has, keys, locale_of, text

SOURCE = Path(service.__file__).parent
#: The parts of the product that speak to users.
SPEAKING = ("bot", "flows", "store", "web")
#: Functions that take a key and its values.
SPEAKERS = frozenset({"say", "text", "plain", "UserError"})
#: Keys that code puts together from what it knows.
FAMILIES = {
    "failed-": tuple(FailureReason),
    "problem-": tuple(Problem),
    "language-": LOCALES,
    "command-": SHOWN,
    "kind-": tuple(load_catalogue().on_sale_by_kind()),
    "movement-": ("welcome", "top_up", "hold", "capture", "release", "adjustment"),
    "status-": ("pending", "processing", "failed"),
    "button-": ("models", "history", "balance", "transactions", "language", "help"),
}
#: Looked up by name and left out where there is none.
OPTIONAL = ("input-", "value-", "hint-")
#: A file type is its own name in every language.
FILE_TYPES = frozenset({"png", "jpg", "jpeg", "webp"})
#: Answers to buttons; Telegram shows no more of them than this.
TOASTS = (
    "old-button", "quote-unknown", "quote-expired", "already-confirmed", "confirmed", "model-gone",
    "provider-away", "not-enough-money", "resending", "sending-files", "not-found",
    "language-chosen", "adjusted",
)  # fmt: skip
TOAST_LENGTH_MAX = 200
#: What a phone shows of a label in a row of its own.
LABEL_LENGTH_MAX = 34
TAGS = frozenset({"b", "i", "code", "blockquote"})


@cache
def placeholders(locale: str) -> dict[str, frozenset[str]]:
    """List the values that each text asks for."""

    class Names(Visitor):
        def __init__(self) -> None:
            self.found: set[str] = set()

        def visit_VariableReference(self, node: fluent.VariableReference) -> None:  # noqa: N802 - the library's name
            self.found.add(node.id.name)

    asked = {}
    for entry in parse((SOURCE / "texts" / f"{locale}.ftl").read_text("utf-8")).body:
        assert not isinstance(entry, fluent.Junk), entry.content
        if isinstance(entry, fluent.Message):
            names = Names()
            names.visit(entry)
            asked[entry.id.name] = frozenset(names.found)
    return asked


@cache
def spoken() -> list[tuple[str, ast.Call]]:
    """List every call in the code that says a text by its key."""
    calls = []
    for node in nodes():
        if isinstance(node, ast.Call) and name_of(node.func) in SPEAKERS:
            constants = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            calls += [(key, node) for key in constants if isinstance(key, str)]
    return calls


def nodes() -> Iterator[ast.AST]:
    """Walk over the code of all that speaks to users."""
    for folder in SPEAKING:
        for path in (SOURCE / folder).rglob("*.py"):
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def name_of(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def sample(key: str, locale: str) -> str:
    """Say a text with some value for each that it asks for."""
    counts = {"count", "pictures", "missing", "page", "pages", "maximum", "minimum", "length"}
    values = {n: 5 if n in counts else "x" for n in placeholders(locale)[key]}
    return text(key, locale, **values)


def test_both_languages_have_the_same_keys_and_ask_for_the_same_values():
    # Given the texts of all languages, then they agree
    russian, english = placeholders("ru"), placeholders("en")
    assert russian.keys() == english.keys() == keys("ru") == keys("en")
    assert {key for key in russian if russian[key] != english[key]} == set()


def test_every_key_in_the_code_has_a_text_and_gets_all_its_values():
    # Given every call that says something
    asked = placeholders("en")
    assert len(spoken()) > 80
    for key, call in spoken():
        # Then the text is there, and nothing it asks for is left out
        assert key in asked, f"{key} has no text"
        given = {keyword.arg for keyword in call.keywords}
        if None not in given and name_of(call.func) != "UserError":
            assert asked[key] <= given, f"{key} lacks {asked[key] - given}"


def test_every_text_is_said_somewhere():
    # Given what code says by name, by family, or where there is something to say
    constants = {
        node.value
        for node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    families = {f"{prefix}{name}" for prefix, names in FAMILIES.items() for name in names}

    # Then nothing is left over
    left = {key for key in keys("en") if not key.startswith(OPTIONAL)} - constants - families
    assert left == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_member_of_a_family_has_a_text(locale):
    # Given what code puts a key together from, then each has its words
    for prefix, names in FAMILIES.items():
        for name in names:
            assert has(f"{prefix}{name}", locale), f"{prefix}{name}"
    assert {f"movement-{kind}" for kind in MovementKind if has(f"movement-{kind}", locale)} == {
        f"movement-{name}" for name in FAMILIES["movement-"]
    }


@pytest.mark.parametrize("locale", LOCALES)
def test_every_setting_that_is_sold_and_every_word_in_it_has_a_name(locale):
    # Given every setting of every model on sale
    for model in load_catalogue().on_sale():
        for item in visible_inputs(model):
            # Then it has a name, and its values are words, or figures that need none
            assert has(f"input-{item.name}", locale), f"{model.id}: {item.name}"
            for choice in map(str, item.choices):
                word = choice.lower()
                is_name = word in FILE_TYPES or any(sign.isdigit() for sign in word)
                assert is_name or has(f"value-{word}", locale), f"{model.id}: {choice}"
        assert model.blurb[locale]
    assert all(style.name[locale] for style in load_styles().values())


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_html_that_telegram_takes(locale):
    # Given every text with some values, then its tags are known and closed
    for key in keys(locale):
        parser = TagsOf()
        parser.feed(sample(key, locale))
        assert parser.open == [], key
        assert parser.seen <= TAGS, key
        plain = key.startswith(("button-", "command-", "input-", "value-")) or key in TOASTS
        assert not (plain and parser.seen), f"{key} is shown where no HTML is read"


class TagsOf(HTMLParser):
    """Follows tags as they open and close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("locale", LOCALES)
def test_answers_and_labels_are_short_enough_to_be_read(locale):
    # Given the longest names of settings
    longest = max((text(k, locale) for k in keys(locale) if k.startswith("input-")), key=len)
    adjusted = text("adjusted", locale, name=longest, value="landscape")

    # Then answers fit into what Telegram shows, labels into a phone
    assert all(len(sample(key, locale)) <= TOAST_LENGTH_MAX for key in TOASTS)
    assert len(adjusted) <= TOAST_LENGTH_MAX
    for key in keys(locale):
        if key.startswith(("button-", "kind-", "language-ru", "language-en")):
            assert len(sample(key, locale)) <= LABEL_LENGTH_MAX, key


@pytest.mark.parametrize("locale", LOCALES)
def test_values_are_data_and_html_is_marked(locale):
    # Given a value with markup, then it is escaped, unless it says that it is HTML
    assert "&lt;b&gt; &amp;" in text("welcome", locale, name="<b> &")
    assert "<b>" in text("button-confirm", locale, price=Html("<b>"))


@pytest.mark.parametrize(
    ("count", "russian", "english"),
    [
        (1, "1 картинка: <b>9 ₽</b>", "1 picture: <b>9 ₽</b>"),
        (2, "2 картинки", "2 pictures"),
        (5, "5 картинок", "5 pictures"),
        (21, "21 картинка", "21 pictures"),
    ],
)
def test_numbers_agree_with_their_nouns(count, russian, english):
    # Given a card of so many pictures, then the noun agrees
    values = {"model": "", "time": "", "prompt": "", "parameters": "", "picture_price": "3 ₽"}
    assert russian in text("card", "ru", pictures=count, price="9 ₽", **values)
    assert english in text("card", "en", pictures=count, price="9 ₽", **values)


@pytest.mark.parametrize(
    ("code", "locale"),
    [("ru", "ru"), ("RU-ru", "ru"), ("en", "en"), ("pt-br", "en"), ("", "en"), (None, "en")],
)
def test_the_language_is_chosen_by_telegrams_code(code, locale):
    # Given a language code, then it is ours, or English
    assert locale_of(code) == locale
