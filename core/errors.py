"""Errors are words of the domain; one handler turns them into a page with a way onward, or an API answer."""

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext, ngettext


class KlinkeError(Exception):
    """Something a person can be told in a sentence: `status` for machines, `title` and `sentence` for people."""

    status = 400
    title = lazy_gettext("This did not work")

    def __init__(self, sentence: str = "", *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence or str(self.title))
        self.sentence = sentence
        self.fields = dict(fields or {})
        """What is wrong with which field, by field name."""
        self.more: dict[str, object] = {}
        """What programs are told besides."""


class Invalid(KlinkeError):
    """The input cannot be taken as it is."""

    status = 422
    title = lazy_gettext("Something in the form needs another look")


class NotAllowed(KlinkeError):
    """The person may not do this."""

    status = 403
    title = lazy_gettext("This is not open to you")


class SignInNeeded(KlinkeError):
    """Nobody is signed in and the deed needs somebody."""

    status = 401
    title = lazy_gettext("Please sign in first")


class NotFound(KlinkeError):
    """There is nothing here that this person may see."""

    status = 404
    title = lazy_gettext("There is nothing here")


class Conflict(KlinkeError):
    """Somebody or something was faster."""

    status = 409
    title = lazy_gettext("Somebody was faster")


class TooSoon(KlinkeError):
    """A limit says: not yet. `seconds` says when."""

    status = 429
    title = lazy_gettext("One moment, please")

    def __init__(self, seconds: int) -> None:
        self.seconds = max(1, seconds)
        super().__init__(
            ngettext(
                "%(num)s more second, then you can write again. Your text stays as it is.",
                "%(num)s more seconds, then you can write again. Your text stays as it is.",
                self.seconds,
            )
        )


class Unavailable(KlinkeError):
    """A part of Klinke is resting; trying again later helps."""

    status = 503
    title = lazy_gettext("Klinke is catching its breath")

    def __init__(self, sentence: str = "", *, seconds: int = 5) -> None:
        super().__init__(sentence or gettext("Please try again in a few seconds. Nothing you typed is lost."))
        self.seconds = seconds
