"""Who objects to being silenced or suspended stands in the queue."""

from collections.abc import Iterator

from flask_babel import gettext

from accounts import queries
from accounts.people import Viewer
from forum import policy
from forum.reviewing import Waiting


def waiting(viewer: Viewer) -> Iterator[Waiting]:
    """Yield the objections for those who can do something about them."""
    if not policy.may_review(viewer):
        return
    for penalty in queries.objections():
        if penalty.objected_at is not None:
            kind = (
                gettext("Objection to a silence") if penalty.kind == "silence" else gettext("Objection to a suspension")
            )
            url = f"/moderation/people/{penalty.user.handle}"
            yield Waiting(kind, f"@{penalty.user.handle}", url, penalty.objected_at)
