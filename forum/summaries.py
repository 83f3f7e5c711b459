"""What matters in a long thread, in a few lines taken from the thread itself: by rules, and no word is added.

What solved it, what the house says, what helped most people, and what does not hold, each with the way to it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core import markup
from core.settings import current_settings
from forum.models import Acceptance, Post

MOST_POINTS: Final = 8
MOST_HELPFUL: Final = 3
LEAST_HELPFUL: Final = 2
"""So many people must have called an answer helpful; one may have been its author's friend."""
LONGEST_READ: Final = 800
"""So much of a text is looked at; what matters stands at its beginning."""
LONGEST_PASSAGE: Final = 180
FEWEST_WORDS: Final = 4
"""A sentence with fewer words is a greeting, or thanks."""

_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[^\s\d])")
_WORD = re.compile(r"[^\W\d_]{4,}")

Kind = Literal["solution", "official", "helpful", "contradicted", "obsolete"]


@dataclass(frozen=True, slots=True)
class Point:
    """One line: why this post matters, its most telling sentence, and for what it is a solution."""

    kind: Kind
    post: Post
    passage: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The lines, and of how many answers and comments they were chosen."""

    points: Sequence[Point]
    count: int


def of(
    title: str, posts: Sequence[Post], accepted: Mapping[int, Acceptance], *, silenced: Collection[int | None]
) -> Summary | None:
    """Return what matters among the posts that its reader may see; None where there are few, or nothing stands out.

    `accepted` says which of them solved it; what people wrote whom the reader silenced is left out.
    """
    least = current_settings().summary_from_posts
    count = len(posts) - 1
    if not least or count < least:
        return None
    answers = [post for post in posts if post.kind == "answer" and post.author_id not in silenced and not post.is_muted]
    wanted = frozenset(word.casefold() for word in _WORD.findall(title))
    points = [
        Point(kind, post, passage(post.html, wanted), accepted[post.id].label if post.id in accepted else "")
        for kind, post in _chosen(answers, accepted)[:MOST_POINTS]
    ]
    return Summary(points, count) if points else None


def passage(html: str, wanted: Collection[str]) -> str:
    """Return the sentence that has most of the wanted words, the first of equal ones; cut where it is long."""
    text = markup.plain(html)[:LONGEST_READ]
    told = [sentence for sentence in _SENTENCE.split(text) if len(sentence.split()) >= FEWEST_WORDS] or [text]
    best = max(told, key=lambda sentence: len({word.casefold() for word in _WORD.findall(sentence)} & set(wanted)))
    return markup.excerpt(best.strip(), LONGEST_PASSAGE)


def _chosen(answers: Sequence[Post], accepted: Mapping[int, Acceptance]) -> list[tuple[Kind, Post]]:
    by_id = {post.id: post for post in answers}
    solutions = [by_id[post_id] for post_id in accepted if post_id in by_id]
    failed: list[tuple[Kind, Post]] = [
        ("obsolete" if post.obsolete else "contradicted", post)
        for post in solutions
        if post.obsolete or accepted[post.id].is_contradicted
    ]
    out = {post.id for _, post in failed}
    holds: list[tuple[Kind, Post]] = [("solution", post) for post in solutions if post.id not in out]
    holds += [
        ("official", post)
        for post in answers
        if post.official_at is not None and not post.obsolete and post.id not in accepted
    ][:1]
    named = out | {post.id for _, post in holds}
    others = [
        post for post in answers if post.helpful_count >= LEAST_HELPFUL and post.id not in named and not post.obsolete
    ]
    others.sort(key=lambda post: (-post.helpful_count, post.created_at, post.id))
    helpful: list[tuple[Kind, Post]] = [("helpful", post) for post in others[:MOST_HELPFUL]]
    return [*holds, *helpful, *failed]
