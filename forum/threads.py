"""A topic as its reader sees it: the solution first, then what helped most, each with its comments."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.people import Viewer
from core.errors import NotFound
from forum import closing, follows, queries, votes
from forum.models import Closing, Post, SeeAlso, Topic
from forum.targets import Target

ANSWERS_A_PAGE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One page of a topic, in the order in which it is read."""

    topic: Topic
    question: Post
    accepted: Post | None
    answers: Sequence[Post]
    """The other answers of this page."""
    answer_count: int
    """How many answers the viewer may see, on all pages, the accepted one included."""
    comments: dict[int, list[Post]]
    """Comments by the id of what they comment on."""
    helpful: set[int]
    """Ids of the posts that the viewer called helpful."""
    stance: follows.Stance
    see_also: Sequence[SeeAlso]
    duplicate_of: Target | None
    closing: Closing | None
    page: int
    pages: int


def read(topic: Topic, *, viewer: Viewer, page: int = 1) -> Thread:
    """Return a page of the topic; a page that does not exist is the last one."""
    posts = queries.visible_posts(topic, viewer=viewer)
    question = next((post for post in posts if post.kind == "question"), None)
    if question is None:
        raise NotFound
    accepted, others = _ordered(topic, posts)
    pages = max(1, -(-len(others) // ANSWERS_A_PAGE))
    page = min(max(page, 1), pages)
    shown = others[(page - 1) * ANSWERS_A_PAGE : page * ANSWERS_A_PAGE]
    comments: dict[int, list[Post]] = {}
    for post in posts:
        if post.parent_id is not None:
            comments.setdefault(post.parent_id, []).append(post)
    return Thread(
        topic=topic,
        question=question,
        accepted=accepted,
        answers=shown,
        answer_count=len(others) + (accepted is not None),
        comments=comments,
        helpful=votes.voted_by(viewer, posts),
        stance=follows.stance_on_topic(topic, viewer),
        see_also=queries.see_also(topic),
        duplicate_of=closing.target_of(topic, viewer=viewer),
        closing=closing.closing_of(topic) if topic.is_closed else None,
        page=page,
        pages=pages,
    )


def page_of(post: Post, *, viewer: Viewer) -> int:
    """Return the page of its topic that a post stands on."""
    if post.topic.answer_count <= ANSWERS_A_PAGE or post.kind == "question":
        return 1
    answer_id = post.id if post.kind == "answer" else post.parent_id
    _, others = _ordered(post.topic, queries.visible_posts(post.topic, viewer=viewer))
    places = {other.id: place for place, other in enumerate(others)}
    return places.get(answer_id or 0, 0) // ANSWERS_A_PAGE + 1


def _ordered(topic: Topic, posts: Sequence[Post]) -> tuple[Post | None, list[Post]]:
    solution_id = None if topic.acceptance is None else topic.acceptance.post_id
    answers = [post for post in posts if post.kind == "answer"]
    accepted = next((answer for answer in answers if answer.id == solution_id), None)
    others = [answer for answer in answers if answer is not accepted]
    others.sort(key=lambda answer: (-answer.helpful_count, answer.created_at, answer.id))
    return accepted, others
