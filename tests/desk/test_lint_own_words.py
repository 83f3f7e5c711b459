"""The linter has nothing to say of what Klinke itself proposes to be sent, in either language, with Sie and du."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask_babel import force_locale, gettext, pgettext

from desk import lint

VALUES = {
    "name": "Max Moor",
    "url": "https://help.example/counter/Zk3xQ9-aLp20sYt5",
    "urls": "https://help.example/asked/aLp20 https://help.example/asked/Yt5x1",
    "code": "483920",
    "site": "Lampenhaus",
    "minutes": 15,
    "what": "a new lamp by Friday",
    "greeting": "Hello Max,",
}
WORDS: dict[str, Callable[[], str]] = {
    "the pointer to a private message": lambda: gettext("We have just sent you a private message."),
    "the pointer with du": lambda: pgettext("informal", "We have just sent you a private message."),
    "the opening": lambda: gettext("Hello %(name)s, here nobody else reads along. What is it about?"),
    "the opening with du": lambda: pgettext(
        "informal", "Hello %(name)s, here nobody else reads along. What is it about?"
    ),
    "the counter": lambda: gettext("Please leave your details at our secure counter, not here: %(url)s"),
    "the counter with du": lambda: pgettext(
        "informal", "Please leave your details at our secure counter, not here: %(url)s"
    ),
    "the way out in private": lambda: gettext("Please send us the details as a private message."),
    "the way out here": lambda: gettext("Please write the details here, we take care of it from here."),
    "the question whether it helped": lambda: gettext("Did that help? One click tells us: %(urls)s"),
    "the question whether it is solved": lambda: gettext("Is this solved for you? One click tells us: %(url)s"),
    "the question whether it is solved, with du": lambda: pgettext(
        "informal", "Is this solved for you? One click tells us: %(url)s"
    ),
    "the code": lambda: gettext(
        "Your code is %(code)s. Please tell it to nobody but the team of %(site)s who asked you for it. It is good for"
        " %(minutes)s minutes. If nobody asked you, you need not do anything."
    ),
    "the code with du": lambda: pgettext(
        "informal",
        "Your code is %(code)s. Please tell it to nobody but the team of %(site)s who asked you for it. It is good for"
        " %(minutes)s minutes. If nobody asked you, you need not do anything.",
    ),
    "the request to delete": lambda: gettext("To protect yourself, please delete your post with the personal details."),
    "the request to delete with du": lambda: pgettext(
        "informal", "To protect yourself, please delete your post with the personal details."
    ),
    "the apology": lambda: gettext(
        "%(greeting)s we promised you something and did not keep it: “%(what)s”."
        " That was our mistake, and we are sorry. "
    ),
    "the credit line": lambda: gettext("(Answer by %(name)s in our forum)"),
}
PRIVATE = {"the opening", "the opening with du", "the code", "the code with du"}
"""What goes out as a private message only."""


@pytest.mark.parametrize("which", WORDS)
def test_what_klinke_proposes_raises_nothing(app: Flask, which: str) -> None:
    said: dict[str, str] = {}
    for locale in ("de", "en"):
        with app.test_request_context(), force_locale(locale):
            said[locale] = WORDS[which]()
        for public in {False, which not in PRIVATE}:
            found = lint.issues(said[locale] % VALUES, public=public, locale=locale)
            assert [(one.type, one.value) for one in found] == []
    assert said["de"] != said["en"], "a text that has changed is to be changed here too"
