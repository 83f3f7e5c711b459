"""When the answer an article was made from changes, editors see it then and now, and keep, update or withdraw."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, NotAllowed, NotFound
from forum import moderation, posts
from forum.models import Post
from kb import articles, doubts, drift, queries
from kb.models import Article, ArticleDoubt
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, accepted, fields_of

Stage = Callable[[Callable[[World], Any]], Any]
OLD, NEW = "Restart it, then choose channel 6.", "Restart it twice, then choose channel 11."


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None]) -> tuple[int, int]:
    """An article that holds the words of its answer, which is edited afterwards."""

    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        answer = world.settled(accepted(world.solved()))
        article = Shelf(world).published(sources=[answer], resolution=f"First this:\n\n{OLD}\n\nThen that.")
        return article.id, answer.id

    made: tuple[int, int] = stage(scene)
    worker()
    stage(lambda world: edit(made[1], NEW, world))
    worker()
    return made


def edit(post_id: int, source: str, world: World) -> None:
    post = db.session.get_one(Post, post_id)
    posts.edit(post, source=source, version=post.version, by=world.ada)


def causes(_: World) -> list[str]:
    return [row.cause for row in db.session.query(ArticleDoubt).filter(ArticleDoubt.confirmed_at.is_(None))]


def test_an_edited_answer_marks_the_article_for_the_team_only(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    article_id, answer_id = ids
    assert stage(causes) == ["edited"]
    words = "The answer this came from says something else now."
    compare = f"/kb/articles/{article_id}/sources/{answer_id}"
    for browser, sees, may in (
        (guest, False, False),
        (browser_of("charlie"), False, False),
        (browser_of("dora"), True, False),
        (browser_of("emil"), True, True),
    ):
        page = browser.get(f"/kb/{article_id}", follow_redirects=True).text
        assert OLD.split(",", maxsplit=1)[0] in page, "readers see what they saw"
        assert ((words in page), (compare in page)) == (sees, may)
    page = browser_of("emil").get(compare).text
    assert "<ins>" in page
    assert "<del>" in page
    assert "First this:" in page
    assert NEW in page, "the new words stand where the old ones stood"


def test_an_editor_keeps_the_article_until_the_answer_changes_once_more(
    stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    article_id, answer_id = ids
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}/sources/{answer_id}"
    assert "changed once more meanwhile" in emil.post(f"{path}/keeping", data={"version": "1"}).text
    assert stage(causes) == ["edited"]
    form = fields_of(emil.get(path).text, f"{path}/keeping")
    assert emil.post(f"{path}/keeping", data={**form, "reason": "Both work."}).status_code == 303
    assert stage(causes) == []
    stage(lambda _: doubts.look_again())
    assert stage(causes) == []
    stage(lambda world: edit(answer_id, "Do nothing.", world))
    worker()
    assert stage(causes) == ["edited"]

    def log(_: World) -> list[tuple[int, int]]:
        rows = db.session.query(AuditEntry).filter_by(deed="kb.article.source")
        return [(row.before["version"], row.after["version"]) for row in rows]

    assert stage(log) == [(1, 2)]


def test_an_editor_takes_the_new_words_over_and_readers_see_them_when_they_are_published(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    article_id, answer_id = ids
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}/sources/{answer_id}"
    form = fields_of(emil.get(path).text, f"{path}/update")
    empty = emil.post(f"{path}/update", data={**form, "resolution": " "})
    assert empty.status_code == 422
    assert emil.post(f"{path}/update", data=form).status_code == 303
    assert stage(causes) == []

    def newest(_: World) -> tuple[int, bool, str]:
        article = db.session.get_one(Article, article_id)
        revision = queries.newest_revision(article)
        return revision.number, article.published_id == revision.id, revision.resolution

    number, is_published, resolution = stage(newest)
    assert (number, is_published) == (2, False)
    assert NEW in resolution
    assert OLD not in resolution
    assert "channel 11" not in guest.get(f"/kb/{article_id}", follow_redirects=True).text
    stage(lambda world: articles.publish(db.session.get_one(Article, article_id), by=world.emil))
    assert "channel 11" in guest.get(f"/kb/{article_id}", follow_redirects=True).text


def test_two_editors_at_once_lose_nothing(stage: Stage, browser_of: Callable[[str], Browser], ids: Any) -> None:
    article_id, answer_id = ids
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}/sources/{answer_id}"
    form = fields_of(emil.get(path).text, f"{path}/update")

    def other(world: World) -> None:
        articles.revise(
            db.session.get_one(Article, article_id), by=world.root, title="Another title", resolution="Wait."
        )

    stage(other)
    late = emil.post(f"{path}/update", data={**form, "resolution": "My own words."})
    assert late.status_code == 409
    assert "My own words." in late.text
    assert stage(causes) == ["edited"]


def test_a_muted_source_leaves_the_article_as_it_is(
    stage: Stage, worker: Callable[[], None], guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    article_id, answer_id = ids
    stage(lambda world: moderation.mute(db.session.get_one(Post, answer_id), by=world.ada, reason="off topic"))
    worker()
    assert stage(causes) == ["muted"]
    page = guest.get(f"/kb/{article_id}", follow_redirects=True)
    assert page.status_code == 200
    assert OLD.split(",", maxsplit=1)[0] in page.text
    assert "twice" not in page.text
    assert browser_of("emil").get(f"/kb/articles/{article_id}/sources/{answer_id}").status_code == 200
    stage(lambda world: moderation.unmute(db.session.get_one(Post, answer_id), by=world.ada))
    worker()
    assert stage(causes) == ["unaccepted"], "which weighs more than that it was edited"


def test_only_editors_decide_and_only_of_what_the_article_was_made_from(world: World) -> None:
    world.everybody()
    answer = accepted(world.solved())
    article = Shelf(world).published(sources=[answer])
    with pytest.raises(NotAllowed):
        drift.keep(article, answer.id, version=1, by=world.dora)
    with pytest.raises(NotFound):
        drift.source_of(article, 4711)
    with pytest.raises(Conflict):
        drift.keep(article, answer.id, version=7, by=world.emil)


def test_what_a_source_said_may_be_lost(world: World) -> None:
    world.everybody()
    answer = accepted(world.solved())
    article = Shelf(world).published(sources=[answer])
    answer.version = 5  # as after an import without history
    db.session.flush()
    found = drift.between(article.sources[0])
    assert found.before is None
    assert found.has_changed
    assert drift.merged(article, found) == queries.newest_revision(article).resolution
