"""An article keeps the pictures of the answer it was made of."""

from datetime import timedelta

import time_machine

from accounts.people import AnonymousUser, Viewer
from core.clock import now
from core.db import db
from core.errors import NotFound
from forum import addresses, images, moderation, posts
from forum.models import Image
from kb import articles
from tests.cast import World
from tests.forum.test_images import picture, shown
from tests.kb.shelf import Shelf


def sees(viewer: Viewer, image: Image) -> bool:
    try:
        return images.visible_image(image.name, viewer=viewer) is image
    except NotFound:
        return False


def test_whoever_may_read_the_article_sees_its_pictures_whatever_becomes_of_the_answer(world: World) -> None:
    image = images.keep(picture(), by=world.bob)
    answer = world.answer(world.ask(), shown(image))
    article = Shelf(world).published(resolution=f"Look at this: ![x]({addresses.of_image(image)})")
    moderation.mute(answer, by=world.ada, reason="Not kind")
    assert sees(AnonymousUser(), image)
    articles.withdraw(article, by=world.emil, reason="Outdated")
    assert not sees(AnonymousUser(), image)
    assert sees(world.bob, image)


def test_a_draft_shows_them_to_the_team_only(world: World) -> None:
    image = images.keep(picture(), by=world.bob)
    Shelf(world).article(resolution=f"Look at this: ![x]({addresses.of_image(image)})")
    assert [sees(viewer, image) for viewer in (AnonymousUser(), world.charlie)] == [False, False]
    assert sees(world.emil, image)


def test_a_picture_in_an_article_is_not_swept(world: World) -> None:
    image = images.keep(picture(), by=world.bob)
    answer = world.answer(world.ask(), shown(image))
    Shelf(world).published(resolution=f"Look at this: ![x]({addresses.of_image(image)})")
    posts.edit(answer, source="Without a picture now.", by=world.bob, version=1)
    db.session.commit()
    with time_machine.travel(now() + timedelta(days=8)):
        images.sweep()
        assert images.path(image).exists()
        assert sees(AnonymousUser(), image)
