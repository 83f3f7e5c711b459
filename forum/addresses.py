"""The paths of topics and posts, also for the worker, which serves no request; the views answer at the same ones."""

from typing import Protocol

from forum.models import Image, Post


class HasAddress(Protocol):
    """A topic, or a row with the two columns its address is made of."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...


def of_topic(topic: HasAddress) -> str:
    return f"/t/{topic.id}-{topic.slug}"


def of_image(image: Image) -> str:
    return f"/uploads/{image.name}"


def of_post(post: Post) -> str:
    return of_post_id(post.id)


def of_post_id(post_id: int) -> str:
    return f"/p/{post_id}"


def of_topic_id(topic_id: int) -> str:
    """Return a topic's path without its title in it."""
    return f"/t/{topic_id}"


OBJECTIONS = "/moderation/objections"
REMINDERS = "/settings/reminders"
