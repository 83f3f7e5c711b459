"""What changed from one version of an article to another, field by field."""

from collections.abc import Iterator

from core.diffs import Piece, compare
from kb.models import Revision

FIELDS = ("title", "summary", "symptoms", "environment", "cause", "resolution")


def between(before: Revision | None, after: Revision) -> Iterator[tuple[str, list[Piece]]]:
    """Yield the fields that changed, by name, with the pieces that stayed, came and went."""
    for field in FIELDS:
        old, new = getattr(before, field) if before else "", getattr(after, field)
        if old != new:
            yield field, compare(old, new)
    old, new = "\n".join(before.keywords) if before else "", "\n".join(after.keywords)
    if old != new:
        yield "keywords", compare(old, new)
