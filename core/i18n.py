"""Languages: German and English, chosen by person, then cookie, then browser."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, cast

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, format_datetime, format_timedelta, get_locale
from flask_login import current_user
from markupsafe import Markup

from core.clock import now
from core.settings import Settings

Locale = Literal["de", "en"]
LOCALES: tuple[Locale, ...] = ("de", "en")
COOKIE = "klinke_locale"
A_WEEK_IN_SECONDS = 7 * 24 * 3600

babel = Babel()


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(BABEL_DEFAULT_LOCALE=settings.default_locale, BABEL_TRANSLATION_DIRECTORIES="translations")
    babel.init_app(app, locale_selector=lambda: _choose(settings), timezone_selector=lambda: "UTC")
    app.add_template_filter(ago, "ago")
    app.add_template_filter(moment, "datetime")
    app.add_template_filter(minutes_in_words, "minutes")


def locale() -> Locale:
    """Return the language of the page being made."""
    found = get_locale()
    return cast("Locale", found.language) if found is not None and found.language in LOCALES else "en"


def spoken(words: Mapping[str, str], *, otherwise: str = "") -> str:
    """Return what is said in the language of the page being made, else in any, else `otherwise`."""
    return words.get(locale()) or next(iter(words.values()), otherwise)


def ago(at: datetime | None) -> str:
    """Say how long ago something was, in words; after a week, the date."""
    if at is None:
        return ""
    seconds = (now() - at).total_seconds()
    if abs(seconds) >= A_WEEK_IN_SECONDS:
        return str(format_datetime(at, "d. MMM y" if locale() == "de" else "d MMM y"))
    return str(format_timedelta(at - now(), add_direction=True, granularity="second", threshold=0.95))


def moment(at: datetime | None) -> str:
    """Say date and time in full."""
    return (
        ""
        if at is None
        else str(format_datetime(at, "d. MMMM y, HH:mm 'UTC'" if locale() == "de" else "d MMMM y, HH:mm 'UTC'"))
    )


def minutes_in_words(seconds: float) -> str:
    """Say a length of time in words."""
    return str(format_timedelta(seconds, granularity="minute" if seconds >= 60 else "second", threshold=0.95))  # noqa: PLR2004 -- a minute has 60 seconds


def isolated(text: str) -> Markup:
    """Wrap a name or a title so that its writing direction stays its own."""
    return Markup("<bdi>{}</bdi>").format(text)


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
