"""Languages: German and English, chosen by person, then cookie, then browser."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, cast

from babel import dates
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, format_timedelta, get_locale, get_translations
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from core.clock import now
from core.settings import Settings

Locale = Literal["de", "en"]
LOCALES: tuple[Locale, ...] = ("de", "en")
COOKIE = "klinke_locale"
AN_HOUR_IN_SECONDS = 3600
A_WEEK_IN_SECONDS = 7 * 24 * AN_HOUR_IN_SECONDS

babel = Babel()


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(BABEL_DEFAULT_LOCALE=settings.default_locale, BABEL_TRANSLATION_DIRECTORIES="translations")
    babel.init_app(app, locale_selector=lambda: _choose(settings), timezone_selector=lambda: "UTC")
    # Flask-Babel's own look up the catalogue four times for each word; a page has hundreds.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of Jinja's extension, which Flask-Babel adds
        gettext=lambda words: _catalogue().ugettext(words),
        ngettext=lambda one, many, number: _catalogue().ungettext(one, many, number),
        newstyle=True,
        pgettext=lambda context, words: _catalogue().upgettext(context, words),
    )
    app.jinja_env.globals["_"] = _say
    app.add_template_filter(ago, "ago")
    app.add_template_filter(time_tag, "time")
    app.add_template_filter(moment, "datetime")
    app.add_template_filter(minutes_in_words, "minutes")


def locale() -> Locale:
    """Return the language of the page being made."""
    # What Flask-Babel keeps for this context; asking it costs four look-ups, and a page has hundreds of words.
    kept = getattr(g, "_flask_babel", None) if g else None
    found = getattr(kept, "babel_locale", None) or get_locale()
    return cast("Locale", found.language) if found is not None and found.language in LOCALES else "en"


def spoken(words: Mapping[str, str], *, otherwise: str = "") -> str:
    """Return what is said in the language of the page being made, else in any, else `otherwise`."""
    return words.get(locale()) or next(iter(words.values()), otherwise)


def ago(at: datetime | None) -> str:
    """Say how long ago something was, in words; after a week, the date."""
    if at is None:
        return ""
    seconds = round((at - now()).total_seconds())
    if abs(seconds) >= A_WEEK_IN_SECONDS:
        return _date(at.date(), locale())
    if abs(seconds) >= AN_HOUR_IN_SECONDS:
        seconds -= seconds % 60  # so that few different ones are put into words
    return _how_long(seconds, locale())


def moment(at: datetime | None) -> str:
    """Say date and time in full."""
    return "" if at is None else _moment(at.astimezone(UTC).replace(second=0, microsecond=0), locale())


def time_tag(at: datetime) -> Markup:
    """Return how long ago something was, with the moment in full for who points at it and for programs."""
    # Written by hand: no part of it can have anything to escape.
    exactly = at.isoformat(timespec="seconds")
    return Markup(f'<time datetime="{exactly}" title="{moment(at)}">{ago(at)}</time>')  # noqa: S704 -- as said


def minutes_in_words(seconds: float) -> str:
    """Say a length of time in words."""
    return str(format_timedelta(seconds, granularity="minute" if seconds >= 60 else "second", threshold=0.95))  # noqa: PLR2004 -- a minute has 60 seconds


def isolated(text: str) -> Markup:
    """Wrap a name or a title so that its writing direction stays its own."""
    return Markup("<bdi>{}</bdi>").format(text)


@lru_cache(maxsize=4096)
def _how_long(seconds: int, spoken_in: Locale) -> str:
    delta = timedelta(seconds=seconds)
    return dates.format_timedelta(delta, "second", threshold=0.95, add_direction=True, locale=spoken_in)


@lru_cache(maxsize=4096)
def _date(day: date, spoken_in: Locale) -> str:
    return dates.format_date(day, "d. MMM y" if spoken_in == "de" else "d MMM y", locale=spoken_in)


@lru_cache(maxsize=4096)
def _moment(at: datetime, spoken_in: Locale) -> str:
    pattern = "d. MMMM y, HH:mm 'UTC'" if spoken_in == "de" else "d MMMM y, HH:mm 'UTC'"
    return dates.format_datetime(at, pattern, locale=spoken_in)


@pass_eval_context
def _say(context: EvalContext, words: str, /, **values: Any) -> str:
    """Say words of a template in the language of the page: what Jinja's own does, for most of them once only."""
    spoken_in = locale()
    if not values:
        return _said(words, spoken_in) if context.autoescape else str(_catalogue().ugettext(words) % {})
    found = _catalogue().ugettext(words)
    return cast("str", (Markup(found) if context.autoescape else found) % values)  # noqa: S704 -- the catalogue is ours


@lru_cache(maxsize=8192)
def _said(words: str, spoken_in: Locale) -> Markup:  # noqa: ARG001 -- the language is what else the words depend on
    return Markup(_catalogue().ugettext(words)) % {}  # noqa: S704 -- as above


def _catalogue() -> Any:
    spoken_in = locale()
    found = _catalogues.get(spoken_in)
    if found is None:
        found = _catalogues[spoken_in] = get_translations()
    return found


_catalogues: dict[Locale, Any] = {}


def _choose(settings: Settings) -> str:
    if not has_request_context():
        return settings.default_locale
    if "locale" not in g:
        g.locale = (
            _of_person() or _of_cookie() or request.accept_languages.best_match(LOCALES) or settings.default_locale
        )
    return str(g.locale)


def _of_person() -> str | None:
    chosen = getattr(current_user, "locale", None)
    return chosen if chosen in LOCALES else None


def _of_cookie() -> str | None:
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LOCALES else None
