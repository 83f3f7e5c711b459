"""How one gets from one page of figures to the next."""

from typing import Any

from flask import url_for
from flask_babel import gettext


def sections(current: str, *, whose: str | None) -> list[dict[str, Any]]:
    """Return the pages of the desk's figures as tabs."""
    pages = {
        "time": (gettext("Waiting"), ".timing_figures"),
        "knowledge": (gettext("Knowledge"), ".knowledge_figures"),
        "use": (gettext("What is used"), ".use_figures"),
        "outcomes": (gettext("Solved"), ".solved_figures"),
        "links": (gettext("Links"), ".link_figures"),
    }
    return [
        {"label": label, "url": url_for(page, whose=whose), "current": key == current}
        for key, (label, page) in pages.items()
    ]


def whose_tabs(is_own: bool, page: str, **address: Any) -> list[dict[str, Any]]:
    """Return one's own figures and everybody's as tabs, one's own first."""
    return [
        {"label": label, "url": url_for(page, whose=whose, **address), "current": is_current}
        for label, whose, is_current in (
            (gettext("My own"), None, is_own),
            (gettext("Everybody’s"), "all", not is_own),
        )
    ]
