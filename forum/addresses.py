"""The paths of topics and posts, also for the worker, which serves no request; the views answer at the same ones."""

from forum.models import Post, Topic


def of_topic(topic: Topic) -> str:
    return f"/t/{topic.id}-{topic.slug}"


def of_post(post: Post) -> str:
    return f"/p/{post.id}"
