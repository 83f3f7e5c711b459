"""What search engines are told of a question's page: the question, its solution and its other answers.

It says what stands on this page for guests and no more, out of what was read for it; see `core.linked_data`.
"""

from typing import Final

from accounts.models import User
from core import markup
from core.linked_data import Thing, moment, thing
from core.web import absolute
from forum import addresses
from forum.models import Post
from forum.threads import Thread

LONGEST_LEADING: Final = 600
"""Characters of the question and of a solution; the page itself has the rest."""
LONGEST_ANSWER: Final = 160
"""The same of another answer: twenty of them must not make the page twice as large."""
_READ: Final = 2_400
"""So many characters of HTML are looked at."""


def of_thread(thread: Thread) -> Thing | None:
    """Return the page of questions and answers; None where it is no real question, or nobody has answered in words.

    A duplicate is no question of its own, and what is muted is nobody's to find. What the team calls obsolete, or
    somebody contradicts, is no accepted answer.
    """
    topic, question = thread.topic, thread.question
    if topic.closed_as == "duplicate" or topic.is_muted or question.is_muted or question.obsolete:
        return None
    leading = thread.leading if thread.page == 1 else ()
    accepted = [told for post in leading if (told := _answer(post, LONGEST_LEADING)) is not None]
    suggested = [told for post in thread.answers if (told := _answer(post, LONGEST_ANSWER)) is not None]
    if not accepted and not suggested:
        return None
    return thing(
        "QAPage",
        mainEntity=thing(
            "Question",
            name=topic.title,
            text=_text(question, LONGEST_LEADING) or topic.title,
            answerCount=thread.answer_count,
            upvoteCount=max(question.helpful_count, 0),
            datePublished=moment(topic.created_at),
            dateModified=moment(question.edited_at),
            inLanguage=topic.locale,
            author=person(question.author),
            acceptedAnswer=accepted[0] if accepted else None,  # one at most; a second solution is a suggested answer
            suggestedAnswer=[*accepted[1:], *suggested],
        ),
    )


def person(user: User | None) -> Thing | None:
    """Return who wrote something, with the address of their page; nothing where the account is gone."""
    if user is None:
        return None
    return thing("Person", name=user.name or user.handle, url=absolute(f"/u/{user.handle}"))


def _answer(post: Post, longest: int) -> Thing | None:
    text = "" if post.is_muted or post.obsolete else _text(post, longest)
    if not text:  # a picture alone says nothing here
        return None
    return thing(
        "Answer",
        text=text,
        url=absolute(addresses.of_post(post)),
        upvoteCount=max(post.helpful_count, 0),
        datePublished=moment(post.created_at),
        dateModified=moment(post.edited_at),
        author=person(post.author),
    )


def _text(post: Post, longest: int) -> str:
    html = post.html
    if len(html) > _READ:  # cut at a blank, where no character reference is cut in two
        html = html[:_READ].rpartition(" ")[0]
    return markup.excerpt(markup.plain(html), longest)
