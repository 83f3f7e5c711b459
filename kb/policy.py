"""Who may do what in the knowledge base; deeds and templates ask the same functions."""

from accounts.people import Viewer
from kb.models import Article


def may_write(user: Viewer) -> bool:
    """Editors write articles and take answers in."""
    return bool(user.is_authenticated and user.is_active and user.has_role("editor"))


def may_edit(user: Viewer, article: Article) -> bool:  # noqa: ARG001 -- rights by article come with owners; callers ask for one already
    """Every editor may edit every article."""
    return may_write(user)


def may_publish(user: Viewer, article: Article) -> bool:
    """Who may edit an article may publish it and take it back."""
    return may_edit(user, article)


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


def may_see_drafts(user: Viewer) -> bool:
    """Only the team sees what is not published, or not published yet."""
    return bool(user.is_authenticated and user.is_active and user.is_team)


def may_see_searches(user: Viewer) -> bool:
    """Editors and moderators see what people look for in vain, and close the gaps."""
    return bool(user.is_authenticated and user.is_active and (user.has_role("editor") or user.has_role("moderator")))


def may_arrange_synonyms(user: Viewer) -> bool:
    """Admins say which words mean the same."""
    return bool(user.is_authenticated and user.is_active and user.has_role("admin"))
