"""Hiding replies: Bluesky lets the one who began a thread say which of them are hidden, in a record beside the post.

They stay where they are, behind a click, and other programs may show them.
"""

from typing import Any, Final

from core.clock import now
from core.phrases import phrase
from desk.channels.base import ChannelFailed
from desk.channels.bluesky import posts
from desk.channels.bluesky.account import Connection
from desk.channels.bluesky.calls import Declined
from desk.channels.bluesky.writing import THREADGATE, Uri, read_uri, stamp

MOST_HIDDEN: Final = 300
ATTEMPTS: Final = 3


def hide(connection: Connection, message_id: str, *, is_hidden: bool) -> None:
    """Hide a reply under a thread of ours, or show it again; raise `ChannelFailed` with words where that cannot be."""
    uri = read_uri(message_id)
    if uri is None:
        raise ChannelFailed(phrase("Only replies under posts of ours can be hidden on Bluesky."), permanent=True)
    root = _root_of(connection, uri)
    gate = Uri(root.did, THREADGATE, root.key)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _write(connection, root, gate, str(uri), is_hidden=is_hidden)
        except Declined as declined:
            if declined.name != "InvalidSwap" or attempt == ATTEMPTS:  # somebody changed it in between: look again
                raise
    return None


def _root_of(connection: Connection, uri: Uri) -> Uri:
    found = connection.record(uri)
    if found is None:
        raise ChannelFailed(phrase("The post is not there any more."), permanent=True)
    reply = posts.inside(posts.inside(found.get("value")).get("reply"))
    root = read_uri(posts.inside(reply.get("root")).get("uri"))
    if root is None or root.did != connection.signed_in().did:
        raise ChannelFailed(phrase("Only replies under posts of ours can be hidden on Bluesky."), permanent=True)
    return root


def _write(connection: Connection, root: Uri, gate: Uri, uri: str, *, is_hidden: bool) -> None:
    found = connection.record(gate)
    record: dict[str, Any] = dict(posts.inside(found.get("value"))) if found is not None else {}
    before = [one for one in record.get("hiddenReplies") or () if isinstance(one, str)]
    if (uri in before) == is_hidden:
        return
    after = [*before, uri] if is_hidden else [one for one in before if one != uri]
    if len(after) > MOST_HIDDEN:
        reason = phrase("%(most)s replies are hidden under this post, and Bluesky takes no more.", most=MOST_HIDDEN)
        raise ChannelFailed(reason, permanent=True)
    record = {
        **record,
        "$type": THREADGATE,
        "post": str(root),
        "createdAt": record.get("createdAt") or stamp(now()),
        "hiddenReplies": after,
    }
    told = {"repo": gate.did, "collection": THREADGATE, "rkey": gate.key, "record": record}
    connection.tell("com.atproto.repo.putRecord", {**told, "swapRecord": None if found is None else found.get("cid")})
