"""The linter at the desk: what it finds in a draft, in words, with ways out for the channel."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from flask_babel import force_locale, format_datetime, gettext, lazy_gettext

from core import timezones
from core.clock import now
from core.settings import current_settings
from desk import lint
from desk.lint import due
from desk.means import capabilities_of
from desk.objections import Draft, Objection, Offer, WayOut, register
from forum import personal_data

NAMES: Final = {
    "send_elsewhere_mail": lazy_gettext("Sends the customer to an e-mail address"),
    "send_elsewhere_phone": lazy_gettext("Sends the customer to the telephone"),
    "send_elsewhere_form": lazy_gettext("Sends the customer to a form or another counter"),
    "forwarded": lazy_gettext("Passed on, and nobody knows to whom and until when"),
    "promise": lazy_gettext("A promise"),
    "pii_out": lazy_gettext("Everyone would read something private"),
    "blame_customer": lazy_gettext("Gives the customer the blame"),
    "shouting": lazy_gettext("Sounds like shouting"),
    "internal": lazy_gettext("Says something from inside the house"),
    "unverifiable_guarantee": lazy_gettext("A certainty that nobody can vouch for"),
    "mixed_address": lazy_gettext("Sie and du in one text"),
    "dead_link": lazy_gettext("A link that leads nowhere"),
}
LONGEST_LOOK: Final = 20_000
_OF_PAGES: Final = {"internal", "send_elsewhere_form"}
"""What an address of a page can be taken for."""
_QUIET: Final = re.compile(r"([!?])[!?]+")


@register
def speaks_against(draft: Draft) -> Iterable[Objection]:
    """Object to what the linter finds, and to personal data that everybody would read."""
    found = look(draft.text, public=draft.is_public, locale=draft.conversation.locale)
    ours = [(one.start, one.end) for one in found if one.type.startswith("send_elsewhere")]
    private = personal_data.find(draft.text) if draft.is_public else []
    for finding in private:
        if not _meet(finding.start, finding.end, ours):  # an address of the house is no secret, only the wrong place
            yield Objection(
                code="pii_out",
                said=draft.text[finding.start : finding.end],
                words=gettext("Everyone would read this: %(kind)s.", kind=finding.name),
                ways_out=(WayOut(label=gettext("Take it out"), instead=finding.replacement),),
            )
    covered = [(one.start, one.end) for one in private]
    for one in found:
        if one.type != "pii_out" or not _meet(one.start, one.end, covered):
            yield Objection(
                code=one.type,
                said=one.value,
                words=f"{NAMES[one.type]}.",
                ways_out=tuple(_ways_out(one, draft)),
                offer=_offer(one) if one.type in {"promise", "forwarded"} else None,
            )


def _meet(start: int, end: int, places: list[tuple[int, int]]) -> bool:
    return any(start < stop and at < end for at, stop in places)


def look(text: str, *, public: bool, locale: str | None) -> list[lint.Issue]:
    """Return what there is to say about a text; a page of the installation is neither inside nor elsewhere."""
    ours = current_settings().base_url
    found = lint.issues(text, public=public, locale=locale)
    return [one for one in found if one.type not in _OF_PAGES or ours not in one.value]


def until(said: str | None) -> datetime | None:
    """Return the moment that the words for a time mean now, by the clock of the installation; none that is over."""
    if said is None:
        return None
    found = due.resolve(said, at=now(), zone=current_settings().time_zone)
    return found if found is not None and found > now() else None


def _offer(issue: lint.Issue) -> Offer:
    return Offer(what=issue.value, due_at=until(issue.due))


def _ways_out(issue: lint.Issue, draft: Draft) -> Iterator[WayOut]:
    if issue.type.startswith("send_elsewhere"):
        with force_locale(draft.conversation.locale):
            here = str(gettext("Please write the details here, we take care of it from here."))
            in_private = str(gettext("Please send us the details as a private message."))
        if draft.is_public and capabilities_of(draft.conversation).private:
            yield WayOut(label=gettext("Ask for a private message"), instead=in_private)
        yield WayOut(label=gettext("Have it told here"), instead=here)
    elif issue.type == "shouting":
        yield WayOut(label=gettext("Say it calmly"), instead=calm(issue.value))
    elif issue.type == "pii_out":
        yield WayOut(label=gettext("Take it out"), instead=f"[{gettext('private')}]")
    elif issue.type == "mixed_address":
        return
    else:
        yield WayOut(label=gettext("Leave it out"), instead="")


def calm(said: str) -> str:
    """Return the words without capitals that shout, and with one sign where there were many."""
    quiet = _QUIET.sub(r"\1", said)
    words = [word.lower() if len(word) > 1 and word.isupper() else word for word in quiet.split(" ")]
    first = " ".join(words)
    return first[:1].upper() + first[1:] if said[:1].isupper() else first


def when(at: datetime | None) -> str:
    """Say a moment by the clock of the installation."""
    return (
        ""
        if at is None
        else format_datetime(timezones.local(at, current_settings().time_zone), "EEE d. MMM HH:mm", rebase=False)
    )
