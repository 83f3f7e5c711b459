"""Who may do what in the forum; deeds and templates ask the same functions."""

from datetime import datetime, timedelta

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.settings import current_settings
from forum.models import Acceptance, Muting, Post, SuggestedEdit, Topic


def may_ask(user: Viewer) -> bool:
    """Let everybody ask who is signed in."""
    return _may_write(user)


def may_answer(user: Viewer, topic: Topic) -> bool:
    """Let everybody answer, the asker too; in a muted, closed or resting topic only the team writes on."""
    return _may_write(user) and (
        user.is_team or not (_is_muted(topic, user) or _is_shut(topic, user) or topic.is_resting)
    )


def may_answer_along(user: Viewer, topic: Topic) -> bool:
    """Let whoever asks answer in the same form, also where the question has to wait for the team."""
    is_held = topic.muting is not None and topic.muting.is_held
    return _may_write(user) and is_held and user.id is not None and user.id == topic.asker_id


def may_comment(user: Viewer, post: Post) -> bool:
    """Let everybody comment on questions and answers; comments take none."""
    if post.kind == "comment" or not _may_write(user):
        return False
    return user.is_team or not (_is_hushed(post, user) or _is_shut(post.topic, user) or post.topic.is_resting)


def may_ask_back(user: Viewer, topic: Topic) -> bool:
    """Let trusted members and the team ask the asker for more while the question is open."""
    return (
        user.is_trusted
        and _may_write(user)
        and topic.asker_id is not None
        and user.id != topic.asker_id
        and not (topic.is_closed or topic.is_solved or topic.is_muted)
    )


def may_help(user: Viewer) -> bool:
    """Let trusted members and the team ask back, take questions and set them free."""
    return user.is_trusted and _may_write(user)


def may_take(user: Viewer, topic: Topic) -> bool:
    """Let trusted members and the team say that they answer a question of somebody else that is open."""
    return (
        user.is_trusted
        and may_answer(user, topic)
        and user.id != topic.asker_id
        and not (topic.is_closed or topic.is_solved)
    )


def may_release(user: Viewer, holder_id: int) -> bool:
    """Let who has a question, and moderators, set it free."""
    return _may_write(user) and (user.id == holder_id or may_arrange_topics(user))


def may_accept_answer(user: Viewer, topic: Topic) -> bool:
    """Let the asker decide, and trusted members and the team for them; what the team chose only the team changes.

    Where the category takes several solutions another one may stand beside the team's.
    """
    return _may_decide(user, topic) and (
        user.is_team or topic.category.accepts_several or not _is_chosen_by_team(topic.acceptance)
    )


def may_undo_acceptance(user: Viewer, topic: Topic, acceptance: Acceptance | None = None) -> bool:
    """Let whoever may choose another answer also say that this one, or the first one, did not solve it."""
    chosen = acceptance or topic.acceptance
    return chosen is not None and _may_decide(user, topic) and (user.is_team or not _is_chosen_by_team(chosen))


def may_tell_experience(user: Viewer, post: Post) -> bool:
    """Let everybody but its author say whether a solution worked for them, in a resting topic too."""
    return post.kind == "answer" and _may_write(user) and user.id != post.author_id and not _is_hushed(post, user)


def may_remove_experience(user: Viewer) -> bool:
    """Let moderators take away what somebody said about a solution."""
    return may_mute(user)


def may_make_official(user: Viewer, post: Post) -> bool:
    """Let the team say that an answer of theirs is what the house says."""
    return (
        post.kind == "answer" and _may_write(user) and user.is_team and post.author is not None and post.author.is_team
    )


def may_make_obsolete(user: Viewer, post: Post) -> bool:
    """Let the team say of questions and answers that they no longer hold."""
    return post.kind != "comment" and _may_write(user) and user.is_team


def may_reopen(user: Viewer, topic: Topic) -> bool:
    """Let the asker, trusted members and the team have a resting question take words again."""
    return topic.is_resting and _may_decide(user, topic)


def may_vote(user: Viewer, post: Post) -> bool:
    """Let everybody call questions and answers of others helpful."""
    return post.kind != "comment" and _may_write(user) and user.id != post.author_id and not _is_hushed(post, user)


def guests_vote() -> bool:
    """Tell whether this installation lets guests call answers helpful."""
    return current_settings().guest_votes > 0


def may_vote_as_guest(user: Viewer, post: Post) -> bool:
    """Let guests call answers helpful, where the settings let them."""
    return not user.is_authenticated and post.kind == "answer" and guests_vote() and not _is_hushed(post, user)


def may_edit(user: Viewer, post: Post) -> bool:
    """Let the team edit everything, and authors what they wrote: for a day, experienced members always.

    What is muted itself its author may mend at any time; what stands below something muted rests.
    """
    if not _may_write(user) or user.is_team:
        return _may_write(user)
    if user.id != post.author_id:
        return False
    muting = _muting_of(post)
    if muting is not None and muting.is_in_force and not muting.is_silent:
        return _may_be_bettered(post, muting)
    closes_at = edit_window_end(user, post)
    return not _is_hushed(post, user) and (closes_at is None or now() < closes_at)


def may_suggest(user: Viewer, post: Post) -> bool:
    """Let everybody who may not edit a question or an answer say what it should say; not of what is hidden.

    Whoever is not to notice a muting may, and nothing is decided while it lasts.
    """
    return post.kind != "comment" and _may_write(user) and not (may_edit(user, post) or _is_hushed(post, user))


def may_see_suggestion(user: Viewer, suggestion: SuggestedEdit) -> bool:
    """Let who suggested a change, whose text it is, and the team read it; a refused one nobody else ever does."""
    if not user.is_authenticated:
        return False
    return user.is_team or user.id in {suggestion.by_id, suggestion.post.author_id}


def may_decide_suggestion(user: Viewer, suggestion: SuggestedEdit) -> bool:
    """Let moderators decide, and whose text it is, but not about their own suggestion; what is hidden waits."""
    post = suggestion.post
    if not _may_write(user) or post.is_muted or post.topic.is_muted:
        return False
    return may_review(user) or (user.id == post.author_id and user.id != suggestion.by_id)


def edit_window_end(user: Viewer, post: Post) -> datetime | None:
    """Return until when an author may edit; None means without an end."""
    hours = current_settings().edit_window_hours
    return None if user.is_experienced or not hours else post.created_at + timedelta(hours=hours)


def may_see_muting(user: Viewer, post: Post) -> bool:
    """Let who sees a muted post know that it is muted, but not the author of what was muted silently."""
    muting = _muting_of(post)
    return muting is not None and muting.is_in_force and (user.is_team or not muting.is_silent)


def may_object(user: Viewer, post: Post) -> bool:
    """Let the author of what is muted say once that it should not be, the silenced too.

    Who is not told of a muting knows of none.
    """
    muting = _muting_of(post)
    return bool(
        user.is_authenticated
        and user.is_active
        and muting is not None
        and muting.is_in_force
        and not muting.is_silent
        and not muting.is_waiting
        and user.id == post.author_id
    )


def may_upload(user: Viewer) -> bool:
    """Let everybody bring pictures who is signed in."""
    return _may_write(user)


def may_follow(user: Viewer) -> bool:
    """Let everybody follow who is signed in, the silenced too: following is reading."""
    return bool(user.is_authenticated and user.is_active)


def may_flag(user: Viewer, post: Post) -> bool:
    """Let everybody say what is wrong with what others wrote; guests only that it is illegal."""
    if _is_hushed(post, user):
        return False
    return not user.is_authenticated or (_may_write(user) and user.id != post.author_id)


def may_say_me_too(user: Viewer, topic: Topic) -> bool:
    """Let everybody say that they have the same problem, but the asker; not where only the team reads on."""
    return _may_write(user) and user.id != topic.asker_id and (user.is_team or not topic.is_muted)


def may_mute(user: Viewer) -> bool:
    """Let moderators mute and unmute."""
    return _may_write(user) and user.has_role("moderator")


def may_arrange_topics(user: Viewer) -> bool:
    """Let moderators close, pin, rename, move, split and merge questions, and change whose they are."""
    return _may_write(user) and user.has_role("moderator")


def may_set_trust(user: Viewer, person: User) -> bool:
    """Let moderators set the level of members by hand; nobody their own, and the team has none."""
    return may_mute(user) and user.id != person.id and not person.is_team


def may_review(user: Viewer) -> bool:
    """Let moderators decide what waits in the queue."""
    return may_mute(user)


def may_arrange(user: Viewer) -> bool:
    """Let admins make and name categories and tags."""
    return _may_write(user) and user.has_role("admin")


def may_see_moderation(user: Viewer) -> bool:
    """Let the team see what is muted and why."""
    return _may_write(user) and user.is_team


def may_see_log(user: Viewer) -> bool:
    """Let the team see what the team did."""
    return may_see_moderation(user)


def may_insert(user: Viewer, topic: Topic) -> bool:
    """Let the team and trusted members put articles into their answers, the team its replies, too."""
    return user.is_trusted and may_answer(user, topic)


def may_use_replies(user: Viewer) -> bool:
    """Let the team write down, change and use the replies that it gives again and again."""
    return may_see_moderation(user)


def _may_write(user: Viewer) -> bool:
    return bool(user.is_authenticated and user.is_active and not user.is_silenced)


def _may_be_bettered(post: Post, muting: Muting) -> bool:
    """Tell whether the author of what is muted may change it: what flags hid once, all else at any time."""
    if muting.cause == "flags" and muting.edited_at is not None:
        return False
    return post.kind == "question" or not (post.topic.is_muted or (post.parent is not None and post.parent.is_muted))


def may_write_notes(user: Viewer) -> bool:
    """Let the team tell itself something beside a topic, and read it."""
    return may_see_moderation(user)


def _may_decide(user: Viewer, topic: Topic) -> bool:
    if not _may_write(user) or user.is_team:
        return _may_write(user)
    return not _is_muted(topic, user) and (user.id == topic.asker_id or user.is_trusted)


def _is_shut(topic: Topic, user: Viewer) -> bool:
    """Tell whether nothing can be added; what was closed because its asker said nothing is open to them."""
    return topic.is_closed and not (topic.is_closed_for_silence and user.id is not None and user.id == topic.asker_id)


def _is_hushed(post: Post, user: Viewer) -> bool:
    """Tell whether the post or what it stands below is muted; whoever is not to notice finds nothing muted."""
    above = post.parent
    return (
        (post.is_muted and not _is_unaware(post.muting, post.author_id, user))
        or _is_muted(post.topic, user)
        or (above is not None and above.is_muted and not _is_unaware(above.muting, above.author_id, user))
    )


def _is_muted(topic: Topic, user: Viewer) -> bool:
    return topic.is_muted and not _is_unaware(topic.muting, topic.asker_id, user)


def _is_unaware(muting: Muting | None, author_id: int | None, user: Viewer) -> bool:
    return muting is not None and muting.is_silent and user.id is not None and user.id == author_id


def _muting_of(post: Post) -> Muting | None:
    return post.topic.muting if post.kind == "question" else post.muting


def _is_chosen_by_team(chosen: Acceptance | None) -> bool:
    return chosen is not None and chosen.by is not None and chosen.by.is_team
