"""Who is meant by @handle in a post."""

import re
from typing import Final

from accounts import people
from core import markup
from forum.models import Post

MOST: Final = 5
"""Handles in one post that are looked up; nobody calls a crowd."""

_HANDLE: Final = re.compile(r"(?<![\w@./])@([\w][\w.-]{1,29})")


def in_post(post: Post) -> set[int]:
    """Return the ids of the first people a post names with @, but not of its author."""
    names = [name.rstrip(".-") for name in _HANDLE.findall(markup.plain(post.html))]
    found = (people.by_handle(name) for name in list(dict.fromkeys(names))[:MOST])
    return {person.id for person in found if person is not None} - {post.author_id}
