"""A topic as its reader sees it: the solution first, then what helped most, each with its comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from accounts.people import Viewer
from core.errors import NotFound
from forum import closing, experiences, follows, queries, summaries, votes
from forum.models import Acceptance, Closing, Experience, Note, Objection, Post, SeeAlso, Topic
from forum.summaries import Summary
from forum.targets import Target

ANSWERS_A_PAGE = 30
Order = Literal["helpful", "newest", "oldest"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""How the answers behind the solutions can be read; the first one is meant where nothing is said."""


@dataclass(frozen=True, slots=True)
class Solution:
    """An accepted answer, who said so, and what those who tried it say."""

    post: Post
    acceptance: Acceptance
    experiences: Sequence[Experience]
    """The latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One page of a topic, in the order in which it is read."""

    topic: Topic
    question: Post
    solutions: dict[int, Solution]
    """The accepted answers that the viewer may see, by the ids of their posts, the first one first."""
    leading: Sequence[Post]
    """Those of them that stand first, before everything else: nobody contradicts them."""
    answers: Sequence[Post]
    """The other answers of this page; what the house says comes first among them."""
    official: Post | None
    """The first answer that speaks for the house."""
    answer_count: int
    """How many answers the viewer may see, on all pages, the accepted one included."""
    comments: dict[int, list[Post]]
    """Comments by the id of what they comment on."""
    helpful: set[int]
    """Ids of the posts that the viewer called helpful."""
    stance: follows.Stance
    own_hidden: Sequence[Post]
    """What the viewer wrote below others' texts that are muted: they keep their own words."""
    see_also: Sequence[SeeAlso]
    duplicate_of: Target | None
    closing: Closing | None
    objections: dict[int, Objection]
    """What authors said against the mutings here, by the ids of these; only for those who see the mutings."""
    summary: Summary | None
    """What matters, in a few lines, where it is long; on the first page."""
    notes: Sequence[Note]
    """What the team tells itself; empty for everybody else."""
    page: int
    pages: int
    order: Order

    @property
    def accepted(self) -> Post | None:
        """The first solution, also where somebody contradicts it."""
        return next((solution.post for solution in self.solutions.values()), None)


def read(topic: Topic, *, viewer: Viewer, page: int = 1, order: Order = "helpful") -> Thread:
    """Return a page of the topic with its answers in this order; a page that does not exist is the last one."""
    posts = queries.visible_posts(topic, viewer=viewer)
    question = next((post for post in posts if post.kind == "question"), None)
    if question is None:
        raise NotFound
    solutions = _solutions(topic, posts)
    leading, others = _ordered(posts, solutions, order)
    pages = max(1, -(-len(others) // ANSWERS_A_PAGE))
    page = min(max(page, 1), pages)
    shown = others[(page - 1) * ANSWERS_A_PAGE : page * ANSWERS_A_PAGE]
    stance = follows.stance_on_topic(topic, viewer)
    comments: dict[int, list[Post]] = {}
    for post in posts:
        if post.parent_id is not None:
            comments.setdefault(post.parent_id, []).append(post)
    stance = follows.stance_on_topic(topic, viewer)
    accepted = {post_id: solution.acceptance for post_id, solution in solutions.items()}
    return Thread(
        topic=topic,
        question=question,
        solutions=solutions,
        leading=leading,
        answers=shown,
        official=next(
            (post for post in (*leading, *others) if post.official_at is not None and not post.obsolete), None
        ),
        answer_count=len(others) + len(leading),
        comments=comments,
        helpful=votes.voted_by(viewer, posts),
        stance=stance,
        own_hidden=queries.own_posts(stance.below_muted, viewer=viewer) if stance.below_muted else (),
        see_also=queries.see_also(topic),
        duplicate_of=closing.target_of(topic, viewer=viewer),
        closing=closing.closing_of(topic) if topic.is_closed else None,
        objections=queries.objections_to([topic.muting, *(post.muting for post in posts)]),
        summary=summaries.of(topic.title, posts, accepted, silenced=stance.silenced_people) if page == 1 else None,
        notes=queries.notes_on(topic, viewer=viewer),
        page=page,
        pages=pages,
        order=order,
    )


def page_of(post: Post, *, viewer: Viewer) -> int:
    """Return the page of its topic that a post stands on."""
    if post.topic.answer_count <= ANSWERS_A_PAGE or post.kind == "question":
        return 1
    answer_id = post.id if post.kind == "answer" else post.parent_id
    posts = queries.visible_posts(post.topic, viewer=viewer)
    _, others = _ordered(posts, _solutions(post.topic, posts), "helpful")
    places = {other.id: place for place, other in enumerate(others)}
    return places.get(answer_id or 0, 0) // ANSWERS_A_PAGE + 1


def _solutions(topic: Topic, posts: Sequence[Post]) -> dict[int, Solution]:
    answers = {post.id: post for post in posts if post.kind == "answer"}
    seen = [one for one in queries.chosen(topic) if one.post_id in answers]
    told = experiences.with_these(seen)
    return {one.post_id: Solution(answers[one.post_id], one, told.get(one.post_id, ())) for one in seen}


def _ordered(posts: Sequence[Post], solutions: dict[int, Solution], order: Order) -> tuple[list[Post], list[Post]]:
    """Return what stands first, and the other answers: what the house says first, or by age where that is chosen."""
    leading = [
        solution.post
        for solution in solutions.values()
        if not (solution.acceptance.is_contradicted or solution.post.obsolete)
    ]
    others = [post for post in posts if post.kind == "answer" and post not in leading]
    if order != "helpful":
        others.sort(key=lambda post: (post.created_at, post.id), reverse=order == "newest")
        return leading, others
    others.sort(
        key=lambda post: (
            post.obsolete is not None,
            post.official_at is None,
            -post.helpful_count,
            post.created_at,
            post.id,
        )
    )
    return leading, others
