"""Words that mean the same in this installation, as admins say."""

from collections.abc import Mapping


def all_of(_locale: str) -> Mapping[str, tuple[str, ...]]:
    """Return for each folded word or phrase of a language what may stand for it."""
    return {}
