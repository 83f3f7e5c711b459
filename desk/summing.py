"""What matters in a long conversation, in a few lines taken from it, for who takes it over: by rules, no word is added.

What they came with, what they last asked, what they were told, which articles they got, and what did not go out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core import markup
from core.settings import current_settings
from desk import masks
from desk.models import Conversation, Message
from kb.models import ArticleUse

LONGEST_READ: Final = 1500
LONGEST_PASSAGE: Final = 180
MOST_QUESTIONS: Final = 3
MOST_ARTICLES: Final = 3
FEWEST_WORDS: Final = 3

_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=\S)|\n+")

Kind = Literal["came_with", "open_question", "said_last", "article", "not_sent"]


@dataclass(frozen=True, slots=True)
class Point:
    """One line: why it matters, and the words, with the way to their message."""

    kind: Kind
    message: Message
    passage: str


@dataclass(frozen=True, slots=True)
class Summary:
    points: Sequence[Point]
    count: int


def of(
    conversation: Conversation, used: Mapping[int, Sequence[ArticleUse]], *, at_any_length: bool = False
) -> Summary | None:
    """Return what matters; None where a conversation is short, unless it is wanted at any length."""
    messages, least = conversation.messages, current_settings().summary_from_posts
    if not messages or (not at_any_length and (not least or len(messages) < least)):
        return None
    theirs = [message for message in messages if message.direction == "in"]
    ours = [message for message in messages if message.direction == "out" and message.state != "failed"]
    points: list[Point] = []
    if theirs:
        points.append(Point("came_with", theirs[0], _telling(masks.said(theirs[0]))))
    last = ours[-1] if ours else None
    since = messages.index(last) if last is not None else -1
    waiting = [message for message in messages[since + 1 :] if message.direction == "in" and message.id != theirs[0].id]
    points += [
        Point("open_question", message, _question(said) or _telling(said))
        for message, said in ((one, masks.said(one)) for one in waiting[-MOST_QUESTIONS:])
    ]
    if last is not None:
        points.append(Point("said_last", last, _telling(last.text)))
    titles: dict[str, Message] = {}
    for message in ours:
        for use in used.get(message.id, ()):
            if use.article.published is not None:
                titles.setdefault(use.article.published.title, message)
    points += [Point("article", message, title) for title, message in list(titles.items())[:MOST_ARTICLES]]
    points += [
        Point("not_sent", message, _telling(message.text))
        for message in messages
        if message.direction == "out" and message.state in {"failed", "unsure"}
    ][:MOST_QUESTIONS]
    return Summary(points, len(messages))


def _question(text: str) -> str:
    asked = [sentence for sentence in _sentences(text) if sentence.endswith("?")]
    return markup.excerpt(asked[-1], LONGEST_PASSAGE) if asked else ""


def _telling(text: str) -> str:
    """Return the first question, else the first sentence that is no greeting."""
    sentences = _sentences(text)
    told = [sentence for sentence in sentences if len(sentence.split()) >= FEWEST_WORDS] or sentences or [text.strip()]
    asked = [sentence for sentence in told if sentence.endswith("?")]
    return markup.excerpt((asked or told)[0], LONGEST_PASSAGE)


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.split(text[:LONGEST_READ]) if sentence.strip()]
