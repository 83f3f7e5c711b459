"""Who may do what in the knowledge base; deeds and templates ask the same functions."""

from typing import Final

from accounts.models import User
from accounts.people import Viewer
from kb.models import Article, Section

ROLES: Final = ("editor", "agent")
"""Who writes articles, and may be let publish them."""


def may_write(user: Viewer) -> bool:
    """Editors write articles and take answers in."""
    return bool(user.is_authenticated and user.is_active and user.has_role("editor"))


def may_draft(user: Viewer) -> bool:
    """Who answers customers writes drafts, too; an editor publishes them."""
    return may_write(user) or bool(user.is_authenticated and user.is_active and user.has_role("agent"))


def may_edit(user: Viewer, article: Article) -> bool:
    """Every editor may edit every article; who drafted one may until it was published for the first time.

    Whom a section names to publish in it edits there, too.
    """
    if may_write(user):
        return True
    if not may_draft(user):
        return False
    return (article.owner_id == user.id and article.published_at is None) or may_publish(user, article)


def may_publish(user: Viewer, article: Article) -> bool:
    """Say whether somebody publishes, plans, takes back and archives this article: its section says who does."""
    return may_publish_in(user, article.section)


def may_publish_in(user: Viewer, section: Section) -> bool:
    """Editors publish, unless a section names others: then these alone, as long as they write articles at all.

    What an editor planned who came with an import comes true without them.
    """
    if section.publishers is None:
        return may_write(user) or _is_editor_of_an_import(user)
    named = section.publishers
    return (may_draft(user) or _is_editor_of_an_import(user)) and (
        f"user:{user.id}" in named or any(user.has_role(role) for role in ROLES if f"role:{role}" in named)
    )


def may_set_publishers(user: Viewer) -> bool:
    """Admins say who publishes in a section; an editor could let everybody in otherwise, or only themselves."""
    return bool(user.is_authenticated and user.is_active and user.has_role("admin"))


def may_flag(user: Viewer, article: Article) -> bool:
    """Who cannot edit a published article reports what is wrong with it."""
    return bool(user.is_authenticated and user.is_active and article.is_published)


def may_judge(user: Viewer) -> bool:
    """Who may insert articles says whether they are still right: the team and trusted members."""
    return bool(user.is_authenticated and user.is_active and user.is_trusted)


def may_set_rules(user: Viewer) -> bool:
    """Admins say how often articles are looked at again."""
    return bool(user.is_authenticated and user.is_active and user.has_role("admin"))


def may_decide(user: Viewer) -> bool:
    """Editors decide about nominations."""
    return may_write(user)


def may_nominate(user: Viewer) -> bool:
    """Trusted members and the team say which answers should become articles."""
    return bool(user.is_authenticated and user.is_active and not user.is_silenced and user.is_trusted)


def may_see_drafts(user: Viewer) -> bool:
    """Only the team sees what is not published, or not published yet."""
    return bool(user.is_authenticated and user.is_active and user.is_team)


def may_see_searches(user: Viewer) -> bool:
    """Editors and moderators see what people look for in vain, and close the gaps."""
    return bool(user.is_authenticated and user.is_active and (user.has_role("editor") or user.has_role("moderator")))


def may_arrange_synonyms(user: Viewer) -> bool:
    """Admins say which words mean the same."""
    return bool(user.is_authenticated and user.is_active and user.has_role("admin"))


def _is_editor_of_an_import(user: Viewer) -> bool:
    # Nobody signs in as them, so only the worker does anything in their name.
    return isinstance(user, User) and user.is_staged and user.disabled_at is None and user.has_role("editor")
