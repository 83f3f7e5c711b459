"""Pictures belong to posts: who sees a post that shows one sees it, and nobody else but who brought it and the team."""

import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from PIL import Image as Pillow
from sqlalchemy import func, select

from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.pictures import Picture
from core.settings import Settings, current_settings
from forum import addresses, answers, arranging, drafts, images, merging, moderation, posts
from forum.models import Image, Post, PostImage, Topic, Upload
from tests.cast import World


def picture(number: int = 0) -> Picture:
    """A small picture, for every number another one."""
    out = io.BytesIO()
    Pillow.new("RGB", (4, 3), (number % 256, number // 256, 0)).save(out, "PNG")
    return Picture("png", 4, 3, out.getvalue())


def shown(image: Image, words: str = "The light is red") -> str:
    return f"It looks like this:\n\n![{words}]({addresses.of_image(image)})"


def sees(viewer: Viewer, image: Image) -> bool:
    try:
        return images.visible_image(image.name, viewer=viewer) is image
    except NotFound:
        return False


def asked_with(world: World, image: Image, **kwargs: Any) -> Topic:
    return world.ask(source=shown(image), **kwargs)


@pytest.fixture
def limited(app: Flask) -> Iterator[Callable[..., None]]:
    before: Settings = app.extensions["klinke-settings"]

    def limit(**values: int) -> None:
        app.extensions["klinke-settings"] = before.model_copy(update=values)

    yield limit
    app.extensions["klinke-settings"] = before


# Who sees what.


def test_before_it_is_in_a_post_only_who_brought_it_and_the_team_see_it(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    assert [sees(viewer, image) for viewer in (world.alice, world.ada, world.dora)] == [True] * 3
    assert [sees(viewer, image) for viewer in (AnonymousUser(), world.bob, world.tina)] == [False] * 3
    assert images.path(image).read_bytes() == picture().content


def test_everybody_sees_what_a_post_shows_that_everybody_sees(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    topic = asked_with(world, image)
    assert sees(AnonymousUser(), image)
    assert f'src="{addresses.of_image(image)}" width="4"' in topic.posts[0].html


@pytest.mark.parametrize("what", ["topic", "answer", "comment"])
def test_what_only_a_muted_post_shows_is_seen_by_its_author_and_the_team_only(world: World, what: str) -> None:
    image = images.keep(picture(), by=world.bob)
    topic = world.ask(by=world.bob, source=shown(image)) if what == "topic" else world.ask()
    subject: Topic | Post = topic
    if what == "answer":
        subject = world.answer(topic, shown(image))
    if what == "comment":
        subject = answers.comment(world.answer(topic), source=shown(image), by=world.bob)
    assert sees(AnonymousUser(), image)
    muting = moderation.mute(subject, by=world.ada, reason="Shows a name")
    assert [sees(viewer, image) for viewer in (AnonymousUser(), world.charlie, world.tina)] == [False] * 3
    assert [sees(viewer, image) for viewer in (world.bob, world.ada)] == [True] * 2
    muting.until = now() - timedelta(seconds=1)
    db.session.flush()
    assert sees(AnonymousUser(), image), "when the time is over everybody sees it again"


def test_a_comment_on_a_muted_answer_shows_its_picture_to_nobody_else(world: World) -> None:
    image = images.keep(picture(), by=world.tina)
    answer = world.answer(world.ask())
    answers.comment(answer, source=shown(image), by=world.tina)
    moderation.mute(answer, by=world.ada, reason="Not kind")
    assert not sees(AnonymousUser(), image)


def test_another_post_that_shows_it_keeps_it_visible(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    first = asked_with(world, image)
    asked_with(world, image, title="Once more about the red light")
    moderation.mute(first, by=world.ada, reason="Twice")
    assert sees(AnonymousUser(), image)


def test_nobody_makes_a_muted_picture_public_by_knowing_its_address(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    moderation.mute(asked_with(world, image), by=world.ada, reason="Shows a name")
    for who in (world.charlie, world.ada):
        topic = world.ask("Look what I remembered of it", shown(image), by=who)
        assert not sees(AnonymousUser(), image)
        posts.edit(topic.posts[0], source=shown(image, "other words"), by=who, version=1)
        assert not sees(AnonymousUser(), image)


def test_a_picture_that_everybody_sees_may_be_shown_by_everybody(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    first = asked_with(world, image)
    world.answer(first, shown(image))
    moderation.mute(first.posts[0], by=world.ada, reason="Off topic")
    db.session.expire_all()
    assert not sees(AnonymousUser(), image), "muting the question mutes the whole topic"


def test_somebody_who_brings_the_same_picture_sees_it_and_may_show_it(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    moderation.mute(asked_with(world, image), by=world.ada, reason="Off topic")
    assert images.keep(picture(), by=world.charlie) is image
    assert sees(world.charlie, image)
    world.ask("The same light at my place", shown(image), by=world.charlie)
    assert sees(AnonymousUser(), image)


def test_an_edit_that_takes_it_out_takes_it_away(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    question = asked_with(world, image).posts[0]
    posts.edit(question, source="It is red. That is all I can say.", by=world.ada, version=1)
    assert not sees(AnonymousUser(), image)
    posts.edit(question, source=shown(image), by=world.alice, version=2)
    assert sees(AnonymousUser(), image), "it was hers to show, and no post lost it for good"


def test_the_team_may_edit_a_post_and_its_picture_stays(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    topic = asked_with(world, image)
    moderation.mute(topic, by=world.ada, reason="Off topic")
    posts.edit(topic.posts[0], source=shown(image, "better words"), by=world.ada, version=1)
    moderation.unmute(topic, by=world.ada)
    db.session.expire_all()
    assert sees(AnonymousUser(), image)


def test_an_address_with_another_size_or_kind_is_none(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    asked_with(world, image)
    for name in (image.name.replace("4x3", "3x4"), image.name.replace("png", "jpg"), "x", "", image.digest):
        with pytest.raises(NotFound):
            images.visible_image(name, viewer=world.ada)


def test_a_picture_in_code_is_not_shown_and_belongs_to_nobody(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    world.ask(source=f"I typed this:\n\n```\n{shown(image)}\n```")
    assert not sees(AnonymousUser(), image)


def test_a_picture_of_a_held_post_is_seen_by_its_author_and_the_team_until_it_is_let_through(world: World) -> None:
    asked = asked_with(world, question := images.keep(picture(1), by=world.newcomer()), by=world.newcomer())
    answer = images.keep(picture(2), by=world.newcomer())
    held = world.answer(world.ask(), f"{shown(answer)}", by=world.newcomer())
    for image in (question, answer):
        assert [sees(one, image) for one in (world.newcomer(), world.ada)] == [True, True]
        assert not any(sees(one, image) for one in (AnonymousUser(), world.alice, world.tina))
    moderation.unmute(asked, by=world.ada)
    moderation.unmute(held, by=world.ada)
    assert sees(AnonymousUser(), question)
    assert sees(AnonymousUser(), answer)


def test_a_picture_goes_with_its_post_when_questions_are_merged_and_split(world: World) -> None:
    pictured = [images.keep(picture(number), by=world.bob) for number in range(3)]
    topic, other = asked_with(world, pictured[0], by=world.bob), world.ask("How do I reset the router?")
    answers.comment(topic.posts[0], source=shown(pictured[1]), by=world.bob)
    world.answer(topic, shown(pictured[2]), by=world.bob)
    merging.merge(topic, into=other, by=world.ada, knowing=True)
    assert all(sees(AnonymousUser(), image) for image in pictured)
    answer = db.session.scalars(select(Post).where(Post.kind == "answer")).unique().one()
    split = arranging.split(
        other,
        post_ids=[answer.id],
        title="What to do when it is red",
        category=world.router,
        by=world.ada,
        knowing=True,
    )
    assert all(sees(AnonymousUser(), image) for image in pictured)
    moderation.mute(split, by=world.ada, reason="off topic")
    assert [sees(AnonymousUser(), image) for image in pictured] == [True, True, False]


# How much.


def test_a_day_has_room_for_so_many_and_the_same_again_counts_once(world: World, limited: Callable[..., None]) -> None:
    limited(images_per_day=3, images_per_day_new=2)
    for number in (1, 2, 2, 1):
        images.keep(picture(number), by=world.newcomer())
    with pytest.raises(Invalid, match="2 pictures fit into a day"):
        images.keep(picture(3), by=world.newcomer())
    for number in (1, 2, 2, 3):
        images.keep(picture(number), by=world.alice)
    with pytest.raises(Invalid, match=r"3 pictures fit .* in 24 h"):
        images.keep(picture(4), by=world.alice)
    with time_machine.travel(now() + timedelta(hours=25)):
        images.keep(picture(4), by=world.alice)
    for number in range(5):
        images.keep(picture(number), by=world.ada)


def test_a_post_has_room_for_so_many(world: World, limited: Callable[..., None]) -> None:
    limited(images_per_post=2)
    three = [images.keep(picture(number), by=world.alice) for number in range(3)]
    with pytest.raises(Invalid, match="2 pictures fit into a post") as refusal, db.session.begin_nested():
        world.ask(source="\n\n".join(shown(image) for image in three))
    assert "source" in refusal.value.fields
    world.ask(source="\n\n".join(shown(image) for image in (*three[:2], three[0])))


def test_nobody_who_is_not_signed_in_brings_pictures(world: World) -> None:
    with pytest.raises(NotAllowed):
        images.keep(picture(), by=AnonymousUser())  # type: ignore[arg-type]
    assert db.session.scalar(select(func.count(Image.id))) == 0


def test_the_same_picture_brought_by_many_at_once_is_one(app: Flask, stage: Callable[..., Any]) -> None:
    people = stage(lambda world: [world.person(f"person-{number}").id for number in range(6)])

    def bring(user_id: int) -> str:
        with app.app_context():
            image = images.keep(picture(), by=db.session.get_one(User, user_id))
            db.session.commit()
            return image.name

    with ThreadPoolExecutor(6) as pool:
        names = set(pool.map(bring, [*people, *people]))
    assert len(names) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Image.id))) == 1
        assert db.session.scalar(select(func.count()).select_from(Upload)) == 6
        assert len(files()) == 1


def test_of_many_at_once_no_more_than_fit_are_kept(
    app: Flask, stage: Callable[..., Any], limited: Callable[..., None]
) -> None:
    limited(images_per_day=3)
    alice = stage(lambda world: world.alice.id)

    def bring(number: int) -> bool:
        with app.app_context():
            try:
                images.keep(picture(number), by=db.session.get_one(User, alice))
            except Invalid:
                return False
            db.session.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, range(8))) == 3


# What nobody shows any more.


def files() -> list[Path]:
    return [file for file in (current_settings().data_dir / "uploads").rglob("*") if file.is_file()]


def test_what_no_post_shows_is_swept_after_a_week_with_its_file(world: World) -> None:
    kept, lost, drafted = (images.keep(picture(number), by=world.alice) for number in range(3))
    names = [image.name for image in (kept, lost, drafted)]
    asked_with(world, kept)
    drafts.save(world.alice, "ask", {"source": shown(drafted)})
    db.session.commit()
    images.sweep()
    assert len(files()) == 3, "it may still be on its way into a post"
    with time_machine.travel(now() + timedelta(days=8)):
        images.sweep()
        images.sweep()
        assert [image.name for image in db.session.scalars(select(Image).order_by(Image.id))] == [names[0], names[2]]
        assert len(files()) == 2
        drafts.discard(world.alice, "ask")
        db.session.commit()
        images.sweep()
        assert len(files()) == 2, "the week begins when it was last seen in use"
    with time_machine.travel(now() + timedelta(days=17)):
        images.sweep()
        assert len(files()) == 1


def test_the_week_begins_when_an_edit_took_it_out(world: World, limited: Callable[..., None]) -> None:
    limited(edit_window_hours=0)
    image = images.keep(picture(), by=world.alice)
    question = asked_with(world, image).posts[0]
    with time_machine.travel(now() + timedelta(days=30)):
        posts.edit(question, source="It is red. That is all I can say.", by=world.alice, version=1)
        db.session.commit()
        images.sweep()
        assert len(files()) == 1
    with time_machine.travel(now() + timedelta(days=38)):
        images.sweep()
        assert files() == []
        assert db.session.scalar(select(func.count()).select_from(PostImage)) == 0


def test_who_brings_a_swept_picture_again_has_it_again(world: World) -> None:
    images.keep(picture(), by=world.alice)
    db.session.commit()
    with time_machine.travel(now() + timedelta(days=8)):
        images.sweep()
        assert files() == []
        image = images.keep(picture(), by=world.alice)
        assert images.path(image).exists()


def test_files_without_a_picture_are_swept_when_they_are_old(world: World) -> None:
    image = images.keep(picture(), by=world.alice)
    db.session.commit()
    folder = images.path(image).parent
    (folder / ".123-456").write_bytes(b"half")
    (folder / ("0" * 32 + ".png")).write_bytes(b"lost")
    images.sweep()
    assert len(files()) == 3
    long_ago = time.time() - 2 * 24 * 3600
    for file in files():
        os.utime(file, (long_ago, long_ago))
    images.sweep()
    assert files() == [images.path(image)]


def test_sweeping_an_empty_house_does_nothing(world: World) -> None:
    images.sweep()
    assert files() == []


def test_the_worker_sweeps(stage: Callable[..., Any], worker: Callable[[], None], app: Flask) -> None:
    def scene(world: World) -> None:
        images.keep(picture(), by=world.alice).touched_at = now() - timedelta(days=8)

    stage(scene)
    worker()
    with app.app_context():
        assert db.session.scalar(select(func.count(Image.id))) == 0


def test_bringing_and_sweeping_the_same_picture_at_once_leaves_no_row_without_its_file(
    app: Flask, stage: Callable[..., Any]
) -> None:
    alice = stage(lambda world: world.alice.id)

    def bring() -> None:
        with app.app_context():
            images.keep(picture(), by=db.session.get_one(User, alice))
            db.session.commit()

    def sweep() -> None:
        with app.app_context():
            images.sweep()

    for _ in range(5):
        with app.app_context():
            for image in db.session.scalars(select(Image)):
                image.touched_at = now() - timedelta(days=8)
            db.session.commit()
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(deed) for deed in (bring, sweep, bring, sweep)]:
                done.result()
        with app.app_context():
            for image in db.session.scalars(select(Image)):
                assert images.path(image).exists()
