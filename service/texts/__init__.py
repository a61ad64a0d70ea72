"""What the bot says, in every language; all words to users stand in the .ftl files here."""

import html
from functools import cache
from importlib.resources import files
from typing import Any

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentType

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "en"


class Html(str):
    """A value that is HTML already; every other text value is escaped."""

    __slots__ = ()


class _Whole(str, FluentType):
    """A value of any length: Fluent refuses plain ones over 2,500 characters."""

    __slots__ = ()

    def format(self, *_: object, **__: object) -> str:
        """Give the value as it is, whatever the locale; Fluent calls this."""
        return self


def text(key: str, locale: str, **values: Any) -> str:
    """Say something as Telegram HTML; text values are data and are escaped.

    Raises KeyError for a key that has no text: a test asks for all of them.
    """
    bundle = _bundle(locale if locale in LOCALES else DEFAULT_LOCALE)
    pattern = bundle.get_message(key).value
    assert pattern is not None, f"{key} has attributes only"
    said, errors = bundle.format_pattern(pattern, {k: _escaped(v) for k, v in values.items()})
    assert not errors, f"{key} lacks a value: {errors}"
    return str(said)


def keys(locale: str) -> frozenset[str]:
    """List the keys of a language."""
    return frozenset(_bundle(locale)._messages)  # noqa: SLF001 - the library has no public list


def has(key: str, locale: str) -> bool:
    """Tell whether a language has this text."""
    return bool(_bundle(locale).has_message(key))


def locale_of(language_code: str | None) -> str:
    """Choose our language for Telegram's `language_code`; English for what we don't speak."""
    base = (language_code or "").lower().split("-")[0]
    return base if base in LOCALES else DEFAULT_LOCALE


def _escaped(value: Any) -> Any:
    if isinstance(value, Html):
        return _Whole(value)
    return _Whole(html.escape(value, quote=False)) if isinstance(value, str) else value


@cache
def _bundle(locale: str) -> FluentBundle:
    bundle = FluentBundle([locale], use_isolating=False)
    source = (files(__name__) / f"{locale}.ftl").read_text(encoding="utf-8")
    bundle.add_resource(FluentResource(source))
    return bundle
