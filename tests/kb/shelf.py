"""The verbs of editors on stage, and what a browser would send of a page."""

import re
from typing import Any

from bs4 import BeautifulSoup

from forum.models import Acceptance, Post, Topic
from kb import articles, promotion, sections
from kb.models import Article, Nomination, Section
from tests.cast import World


class Shelf:
    """The verbs of editors: Emil writes."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def section(self) -> Section:
        return sections.named("router")

    def article(self, **about: Any) -> Article:
        """Write a draft."""
        values: dict[str, Any] = {
            "section": self.section,
            "locale": "en",
            "title": "Wireless is gone after an update",
            "summary": "Restart the router, then choose channel 6.",
            "symptoms": "The light is *off*.",
            "environment": "Router R2",
            "resolution": "Pull the plug.\n\n1. Wait a minute.\n2. Plug it in.\n3. Choose channel 6.",
            "keywords": ["wifi", "wlan"],
            "tags": ["wifi"],
            "by": self.world.emil,
            **about,
        }
        return articles.create(**values)

    def published(self, **about: Any) -> Article:
        """Write an article and publish it."""
        article = self.article(**about)
        articles.publish(article, by=self.world.emil)
        return article

    def nominated(self, topic: Topic | None = None, **about: Any) -> Nomination:
        """Have a question solved and its answer nominated, as the worker would."""
        topic = topic or self.world.solved(**about)
        nomination = promotion.nominate(accepted(topic))
        assert nomination is not None
        return nomination


def accepted(topic: Topic) -> Post:
    """Return the accepted answer of a topic."""
    acceptance = topic.acceptance
    assert isinstance(acceptance, Acceptance)
    return acceptance.post


def fields_of(page: str, form_action: str) -> dict[str, str]:
    """Return what a browser would send of the form with this action, as it stands on the page."""
    form = re.search(rf'<form[^>]*action="{re.escape(form_action)}".*?</form>', page, re.DOTALL)
    assert form is not None, f"no form for {form_action}"
    return _values(form.group())


def _values(form: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for control in BeautifulSoup(form, "html.parser").find_all(["input", "textarea", "select"]):
        name = control.get("name")
        if not name or name == "csrf_token":  # the browser of the tests brings a token of its own
            continue
        if control.name == "textarea":
            values[name] = control.text.removeprefix("\r\n").removeprefix("\n")
        elif control.name == "select":
            options = control.find_all("option")
            chosen = next(
                (option for option in options if option.has_attr("selected")), options[0] if options else None
            )
            values[name] = chosen.get("value", "") if chosen else ""
        else:
            values[name] = control.get("value", "")
    return values
