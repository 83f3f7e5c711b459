"""Who may do what in the forum; deeds and templates ask the same functions."""

from accounts.people import Viewer
from forum.models import Post, Topic


def may_ask(user: Viewer) -> bool:
    """Let everybody ask who is signed in."""
    return _may_write(user)


def may_answer(user: Viewer, topic: Topic) -> bool:
    """Let everybody answer, the asker too; in a muted topic only the team writes on."""
    return _may_write(user) and (user.is_team or not topic.is_muted)


def may_comment(user: Viewer, post: Post) -> bool:
    """Let everybody comment on questions and answers; comments take none."""
    return post.kind != "comment" and _may_write(user) and (user.is_team or not _is_hushed(post))


def may_accept_answer(user: Viewer, topic: Topic) -> bool:
    """Let the asker decide, and trusted members and the team for them; what the team chose only the team changes."""
    if not _may_write(user):
        return False
    if user.is_team:
        return True
    return not topic.is_muted and not _is_chosen_by_team(topic) and (user.id == topic.asker_id or user.is_trusted)


def may_undo_acceptance(user: Viewer, topic: Topic) -> bool:
    """Let whoever may choose another answer also say that none of them solved it."""
    return topic.acceptance is not None and may_accept_answer(user, topic)


def may_vote(user: Viewer, post: Post) -> bool:
    """Let everybody call questions and answers of others helpful."""
    return post.kind != "comment" and _may_write(user) and user.id != post.author_id and not _is_hushed(post)


def may_edit(user: Viewer, post: Post) -> bool:
    """Let authors edit what they wrote as long as it is not muted, and the team everything."""
    return _may_write(user) and (user.is_team or (user.id == post.author_id and not _is_hushed(post)))


def may_upload(user: Viewer) -> bool:
    """Let everybody bring pictures who is signed in."""
    return _may_write(user)


def may_follow(user: Viewer) -> bool:
    """Let everybody follow who is signed in."""
    return _may_write(user)


def may_mute(user: Viewer) -> bool:
    """Let moderators mute and unmute."""
    return _may_write(user) and user.has_role("moderator")


def may_arrange(user: Viewer) -> bool:
    """Let admins make and name categories."""
    return _may_write(user) and user.has_role("admin")


def may_see_moderation(user: Viewer) -> bool:
    """Let the team see what is muted and why."""
    return _may_write(user) and user.is_team


def may_see_log(user: Viewer) -> bool:
    """Let the team see what the team did."""
    return may_see_moderation(user)


def _may_write(user: Viewer) -> bool:
    return bool(user.is_authenticated and user.is_active)


def _is_hushed(post: Post) -> bool:
    return post.is_muted or post.topic.is_muted or (post.parent is not None and post.parent.is_muted)


def _is_chosen_by_team(topic: Topic) -> bool:
    chosen = topic.acceptance
    return chosen is not None and chosen.by is not None and chosen.by.is_team
