"""Evidence: how much speaks for making an article of an answer, said line by line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext, ngettext
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from core.clock import now
from core.db import db
from forum.models import Acceptance, Duplicate, Follow, Post, Topic
from kb.models import Nomination
from search.models import LoggedSearch

CONFIRMED_BY_ASKER: Final = 3
CHOSEN_BY_OTHERS: Final = 2
A_DUPLICATE: Final = 3
BY_HAND: Final = 2
A_CONTRADICTION: Final = 5
SEARCHES_A_POINT: Final = 3
MOST_COUNTED: Final = 10
"""Votes, followers and other answers count one each and at most so many, so that one loud topic outweighs nothing."""
A_YEAR: Final = timedelta(days=365)
OLDEST_COUNTED: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One reason and what it is worth."""

    points: int
    words: str


@dataclass(frozen=True, slots=True)
class Evidence:
    nomination_id: int
    at: datetime
    """When it was nominated."""
    is_accepted: bool
    by_asker: bool
    helpful: int
    other_answers: int
    waiting: int
    """Followers besides the asker and the author, and besides who has the same problem."""
    same: int
    """Who has the same problem."""
    worked: int
    """For whom it worked."""
    opened: int
    """Searches that led to the thread, as far back as searches are kept."""
    by_hand: bool
    """Whether somebody nominated it, and not the acceptance."""
    contradicts: bool
    """Whether an article says something else."""
    duplicates: int
    alike: int
    """Conversations in which agents wrote much the same freely, as last counted by `kb.likeness`."""
    written_at: datetime

    @property
    def score(self) -> int:
        return sum(points for points, _kind, _number in self._parts())

    def lines(self) -> list[Line]:
        """Return every reason in words, in the language of the page; their points add up to the score."""
        return [Line(points, _in_words(kind, number)) for points, kind, number in self._parts()]

    def _parts(self) -> list[tuple[int, str, int]]:
        years = min(OLDEST_COUNTED, (now() - self.written_at) // A_YEAR)
        parts = [
            (CONFIRMED_BY_ASKER if self.by_asker else CHOSEN_BY_OTHERS, "asker" if self.by_asker else "others", 1)
            if self.is_accepted
            else (0, "none", 1),
            (min(self.helpful, MOST_COUNTED), "helpful", self.helpful),
            (BY_HAND, "by_hand", int(self.by_hand)),
            (A_CONTRADICTION, "contradicts", int(self.contradicts)),
            (min(self.same, MOST_COUNTED), "same", self.same),
            (min(self.worked, MOST_COUNTED), "worked", self.worked),
            (min(self.opened // SEARCHES_A_POINT, MOST_COUNTED), "opened", self.opened),
            (min(self.waiting, MOST_COUNTED), "waiting", self.waiting),
            (min(self.alike, MOST_COUNTED), "alike", self.alike),
            (A_DUPLICATE * min(self.duplicates, MOST_COUNTED), "duplicates", self.duplicates),
            (min(self.other_answers, MOST_COUNTED), "answers", self.other_answers),
            (-years, "years", years),
        ]
        return [part for part in parts if part[2] > 0]


def weigh(nominations: ColumnElement[bool]) -> list[Evidence]:
    """Return the evidence for the chosen nominations, the strongest first, of equals the longest waiting."""
    answer, follow = aliased(Post), aliased(Follow)
    waiting = (
        select(func.count())
        .select_from(follow)
        .where(
            follow.topic_id == Topic.id,
            or_(Topic.asker_id.is_(None), follow.user_id != Topic.asker_id),
            or_(answer.author_id.is_(None), follow.user_id != answer.author_id),
        )
        .scalar_subquery()
    )
    duplicates = select(func.count()).select_from(Duplicate).where(Duplicate.target_id == Topic.id).scalar_subquery()
    opened = (
        select(func.count())
        .select_from(LoggedSearch)
        .where(LoggedSearch.opened_kind == "topic", LoggedSearch.opened_id == Topic.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Nomination.id,
            Nomination.at,
            Acceptance.id.is_not(None),
            func.coalesce(Acceptance.by_id == Topic.asker_id, False),
            answer.helpful_count,
            Topic.answer_count,
            waiting,
            duplicates,
            answer.created_at,
            Topic.me_too_count,
            func.coalesce(Acceptance.worked_count, 0),
            opened,
            Nomination.by_id.is_not(None),
            Nomination.contradicts_id.is_not(None),
            Nomination.alike,
        )
        .join(answer, answer.id == Nomination.post_id)
        .join(Topic, Topic.id == answer.topic_id)
        .outerjoin(Acceptance, Acceptance.post_id == answer.id)
        .where(nominations)
    )
    return _ranked(
        Evidence(
            nomination_id=row[0],
            at=row[1],
            is_accepted=bool(row[2]),
            by_asker=bool(row[3]),
            helpful=row[4],
            other_answers=max(0, row[5] - 1),
            waiting=max(0, row[6] - row[9]),
            duplicates=row[7],
            written_at=row[8],
            same=row[9],
            worked=row[10],
            opened=row[11],
            by_hand=bool(row[12]),
            contradicts=bool(row[13]),
            alike=row[14],
        )
        for row in rows
    )


def _ranked(found: Iterable[Evidence]) -> list[Evidence]:
    return sorted(found, key=lambda one: (-one.score, one.at, one.nomination_id))


def _in_words(kind: str, number: int) -> str:
    facts = {
        "asker": gettext("The asker says it solved the problem"),
        "others": gettext("Accepted by the team or a trusted member"),
        "none": gettext("Not accepted"),
        "by_hand": gettext("Nominated by a person"),
        "contradicts": gettext("An article says something else"),
    }
    return str(facts[kind] if kind in facts else _counted(kind, number))


def _counted(kind: str, number: int) -> str:
    match kind:
        case "helpful":
            words = ngettext("Helpful for %(num)s person", "Helpful for %(num)s people", number)
        case "same":
            words = ngettext("%(num)s person has the same problem", "%(num)s people have the same problem", number)
        case "worked":
            words = ngettext("Worked for %(num)s person", "Worked for %(num)s people", number)
        case "opened":
            words = ngettext("%(num)s search led here", "%(num)s searches led here", number)
        case "waiting":
            words = ngettext(
                "%(num)s more person follows the question", "%(num)s more people follow the question", number
            )
        case "duplicates":
            words = ngettext("Asked %(num)s more time", "Asked %(num)s more times", number)
        case "alike":
            words = ngettext(
                "Agents wrote much the same to %(num)s customer",
                "Agents wrote much the same to %(num)s customers",
                number,
            )
        case "answers":
            words = ngettext("Chosen over %(num)s other answer", "Chosen over %(num)s other answers", number)
        case _:
            words = ngettext("The answer is %(num)s year old", "The answer is %(num)s years old", number)
    return str(words)
