"""What the forum does in the worker when it hears of its own events: it tells people. Each of them may run twice."""

from sqlalchemy import select

from core.clock import now
from core.db import db
from core.outbox import listens_to
from forum import (
    addresses,
    cases,
    closing,
    follows,
    info_requests,
    mails,
    mentions,
    moderation,
    notifications,
    queries,
    suggested_edits,
)
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AnswerContradicted,
    AnswerPosted,
    AuthorChanged,
    CaseDecided,
    CaseReopened,
    CommentPosted,
    EditSuggested,
    InfoWanted,
    ObjectionAnswered,
    ObjectionRaised,
    PostMuted,
    PostsMoved,
    SuggestionDecided,
    TopicAsked,
    TopicClosed,
    TopicMuted,
    TopicReopened,
)
from forum.models import Acceptance, Muting, Objection, Post, ReviewCase, SuggestedEdit, Topic


@listens_to(TopicAsked)
def tell_watchers(event: TopicAsked) -> None:
    """Tell who follows the category, a tag or the asker of a new question."""
    topic = db.session.get_one(Topic, event.topic_id)
    question = db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()
    notifications.notify_each(
        follows.readers_of_question(topic),
        kind="topic_asked",
        key=f"topic:{topic.id}",
        url=addresses.of_topic(topic),
        topic=topic,
        post=question,
    )


@listens_to(AnswerPosted)
def tell_followers(event: AnswerPosted) -> None:
    """Tell who follows the question, or what it belongs to, of a new answer, but not the one who wrote it."""
    answer = db.session.get_one(Post, event.post_id)
    notifications.notify_each(
        follows.readers_of_answer(answer.topic, author_id=answer.author_id),
        kind="answer_posted",
        key=f"answer:{answer.id}",
        url=addresses.of_post(answer),
        topic=answer.topic,
        post=answer,
    )


@listens_to(CommentPosted)
def tell_whom_it_comments(event: CommentPosted) -> None:
    """Tell the author of what was commented on."""
    comment = db.session.get_one(Post, event.post_id)
    reader_id = comment.parent.author_id if comment.parent is not None else None
    if info_requests.is_one(comment):
        return  # which is told in words of its own
    if reader_id is not None and reader_id != comment.author_id:
        notifications.notify(
            reader_id,
            kind="comment_posted",
            key=f"comment:{comment.id}",
            url=addresses.of_post(comment),
            topic=comment.topic,
            post=comment,
        )


@listens_to(InfoWanted)
def tell_whose_reply_is_wanted(event: InfoWanted) -> None:
    """Tell the asker what is asked back, while it is."""
    topic = db.session.get(Topic, event.topic_id)
    if topic is not None and topic.asker_id is not None and topic.info_post_id == event.post_id:
        comment = db.session.get_one(Post, event.post_id)
        notifications.notify(
            topic.asker_id,
            kind="info_wanted",
            key=f"info_wanted:{comment.id}",
            url=addresses.of_post(comment),
            topic=topic,
            post=comment,
        )


@listens_to(TopicAsked)
def tell_who_is_mentioned_in_a_question(event: TopicAsked) -> None:
    """Tell who is named with @, unless they are told of the question anyway."""
    question = (
        db.session.scalars(select(Post).where(Post.topic_id == event.topic_id, Post.kind == "question")).unique().one()
    )
    _tell_mentioned(question, but=set(follows.readers_of_question(question.topic)))


@listens_to(AnswerPosted)
def tell_who_is_mentioned_in_an_answer(event: AnswerPosted) -> None:
    """Tell who is named with @, unless they are told of the answer anyway."""
    answer = db.session.get_one(Post, event.post_id)
    _tell_mentioned(answer, but=set(follows.readers_of_answer(answer.topic, author_id=answer.author_id)))


@listens_to(CommentPosted)
def tell_who_is_mentioned_in_a_comment(event: CommentPosted) -> None:
    """Tell who is named with @, unless it is a comment on what they wrote."""
    comment = db.session.get_one(Post, event.post_id)
    _tell_mentioned(comment, but={comment.parent.author_id} if comment.parent is not None else set())


@listens_to(AnswerAccepted)
def tell_whose_answer_it_is(event: AnswerAccepted) -> None:
    """Tell the author of the answer that it solved the question, when it still does."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if is_accepted and answer.author_id is not None and answer.author_id != event.by_id:
        notifications.notify(
            answer.author_id,
            kind="answer_accepted",
            key=f"accepted:{answer.id}",
            url=addresses.of_post(answer),
            topic=answer.topic,
            post=answer,
        )


@listens_to(AnswerAccepted)
def tell_it_is_solved(event: AnswerAccepted) -> None:
    """Tell who follows the question that it is solved, but not who decided it nor whose answer it is."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if is_accepted:
        notifications.notify_each(
            [one for one in follows.follower_ids(event.topic_id) if one not in {event.by_id, answer.author_id}],
            kind="topic_solved",
            key=f"solved:{answer.id}",
            url=addresses.of_post(answer),
            topic=answer.topic,
            post=answer,
        )


@listens_to(AcceptanceUndone)
def take_it_back(event: AcceptanceUndone) -> None:
    """Take the good news back, unless the answer is accepted again."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if not is_accepted:
        notifications.retract_from_all(answer, f"solved:{answer.id}")
        if answer.author_id is not None:
            notifications.retract(answer.author_id, f"accepted:{answer.id}")


@listens_to(TopicClosed)
def tell_whose_question_is_closed(event: TopicClosed) -> None:
    """Tell the asker that the question takes no more answers, and where the answer is."""
    topic = db.session.get(Topic, event.topic_id)
    closed = None if topic is None else closing.closing_of(topic)
    if topic is not None and closed is not None and topic.asker_id not in {None, closed.by_id}:
        notifications.notify(
            topic.asker_id,
            kind="topic_closed_for_silence" if topic.is_closed_for_silence else "topic_closed",
            key=f"closed:{topic.id}",
            url=addresses.of_topic(topic),
            topic=topic,
            data={"as": topic.closed_as, "reason": closed.reason},
        )


@listens_to(TopicReopened)
def take_the_closing_back(event: TopicReopened) -> None:
    """Say nothing any more of a closing that is over."""
    topic = db.session.get(Topic, event.topic_id)
    if topic is not None and not topic.is_closed and topic.asker_id is not None:
        notifications.retract(topic.asker_id, f"closed:{topic.id}")


@listens_to(PostsMoved)
def tell_whose_posts_moved(event: PostsMoved) -> None:
    """Tell the authors where their words are now, each once for each move."""
    topic = db.session.get(Topic, event.topic_id)
    posts = db.session.scalars(select(Post).where(Post.id.in_(event.post_ids)).order_by(Post.id)).unique()
    for post in posts if topic is not None else ():
        if post.author_id is not None:
            notifications.notify(
                post.author_id,
                kind="post_moved",
                key=f"moved:{event.from_id}:{event.topic_id}",
                url=addresses.of_post(post),
                topic=topic,
                post=post,
            )


@listens_to(AuthorChanged)
def tell_whose_it_is_now(event: AuthorChanged) -> None:
    """Tell whose text it was and whose it is, while that is still so."""
    post = db.session.get_one(Post, event.post_id)
    if post.author_id != event.to_id:
        return
    for user_id, kind in ((event.from_id, "post_given_away"), (event.to_id, "post_given")):
        if user_id is not None and user_id != event.by_id:
            notifications.notify(
                user_id,
                kind=kind,
                key=f"given:{post.id}:{event.from_id}:{event.to_id}",
                url=addresses.of_post(post),
                topic=post.topic,
                post=post,
            )


@listens_to(EditSuggested)
def tell_whose_text_it_is(event: EditSuggested) -> None:
    """Tell the author that somebody suggests a change, while that waits."""
    suggestion = db.session.get_one(SuggestedEdit, event.suggestion_id)
    post = suggestion.post
    if suggestion.decided_at is None and post.author_id is not None and post.author_id != suggestion.by_id:
        notifications.notify(
            post.author_id,
            kind="edit_suggested",
            key=f"suggestion:{suggestion.id}",
            url=suggested_edits.address(suggestion),
            topic=post.topic,
            post=post,
            data={"name": suggestion.by.name if suggestion.by is not None else ""},
        )


@listens_to(SuggestionDecided)
def tell_who_suggested(event: SuggestionDecided) -> None:
    """Tell who suggested a change what became of it, unless the decision was taken back meanwhile."""
    suggestion = db.session.get_one(SuggestedEdit, event.suggestion_id)
    if suggestion.outcome in {None, "withdrawn"} or suggestion.by_id in {None, suggestion.decided_by_id}:
        return
    notifications.notify(
        suggestion.by_id,
        kind=f"suggestion_{suggestion.outcome}",
        key=suggested_edits.key_of(suggestion),
        url=suggested_edits.address(suggestion),
        topic=suggestion.post.topic,
        post=suggestion.post,
        data={"words": suggestion.words},
    )


@listens_to(AnswerContradicted)
def tell_of_contradiction(event: AnswerContradicted) -> None:
    """Tell the team and the author that a solution does not work for others, when that is still so."""
    answer = db.session.get_one(Post, event.post_id)
    acceptance = db.session.scalars(select(Acceptance).where(Acceptance.post_id == answer.id)).unique().first()
    if acceptance is None or acceptance.contradicted_at is None:
        return
    readers = {user.id for user in moderation.moderators()} | {answer.author_id}
    for user_id in sorted(reader for reader in readers if reader is not None):
        notifications.notify(
            user_id,
            kind="answer_contradicted",
            key=f"contradicted:{answer.id}:{acceptance.contradicted_at.isoformat()}",
            url=addresses.of_post(answer),
            topic=answer.topic,
            post=answer,
        )


@listens_to(ObjectionRaised)
def tell_the_team_of_objection(event: ObjectionRaised) -> None:
    """Tell the moderators that an author says something against a muting."""
    objection = db.session.get_one(Objection, event.objection_id)
    if not objection.is_open:
        return
    topic = objection.topic or db.session.get_one(Post, objection.post_id).topic
    for moderator in moderation.moderators():
        notifications.notify(
            moderator, kind="objection_raised", key=f"objection:{objection.id}", url=addresses.OBJECTIONS, topic=topic
        )


@listens_to(ObjectionAnswered)
def tell_who_objected(event: ObjectionAnswered) -> None:
    """Tell the author what the team answers."""
    objection = db.session.get_one(Objection, event.objection_id)
    if objection.author_id is None or objection.author_id == objection.answered_by_id:
        return
    post = None if objection.post_id is None else db.session.get_one(Post, objection.post_id)
    topic = objection.topic if post is None else post.topic
    assert topic is not None  # noqa: S101 -- for the type checker: it is one or the other
    notifications.notify(
        objection.author_id,
        kind="objection_answered",
        key=f"objection_answered:{objection.id}",
        url=addresses.of_topic(topic) if post is None else addresses.of_post(post),
        topic=topic,
        post=post,
        data={"is_lifted": objection.muting_id is None},
    )


@listens_to(TopicMuted)
def tell_participants(event: TopicMuted) -> None:
    """Tell who wrote in a muted topic where their own words are; neither title nor reason is theirs to know."""
    topic = db.session.get_one(Topic, event.topic_id)
    if topic.muting is None or topic.muting.is_silent:
        return
    for user in queries.participants(topic):
        if not user.is_team:
            notifications.notify(
                user,
                kind="participated_muted",
                key=f"participated_muted:{topic.id}:{topic.muting.at.isoformat()}",
                url=addresses.of_topic_id(topic.id),
            )


@listens_to(TopicMuted)
def tell_the_asker(event: TopicMuted) -> None:
    """Tell the asker that the question is muted and why."""
    topic = db.session.get_one(Topic, event.topic_id)
    _tell_of_muting(
        topic.muting, topic.asker_id, kind="topic_muted", url=addresses.of_topic(topic), topic=topic, post=None
    )


@listens_to(PostMuted)
def tell_commenters(event: PostMuted) -> None:
    """Tell who commented on a muted answer where their own words are; whose it was and why is not theirs to know."""
    post = db.session.get_one(Post, event.post_id)
    if post.muting is None or post.muting.is_silent or post.muting.is_waiting:
        return
    for user in queries.commenters(post):
        if not user.is_team:
            notifications.notify(
                user,
                kind="commented_muted",
                key=f"commented_muted:{post.id}:{post.muting.at.isoformat()}",
                url=addresses.of_topic(post.topic),
                topic=post.topic,
            )


@listens_to(PostMuted)
def tell_the_author(event: PostMuted) -> None:
    """Tell the author that the post is muted and why."""
    post = db.session.get_one(Post, event.post_id)
    _tell_of_muting(
        post.muting, post.author_id, kind="post_muted", url=addresses.of_post(post), topic=post.topic, post=post
    )


@listens_to(CaseDecided)
def tell_who_reported(event: CaseDecided) -> None:
    """Tell who flagged a post what came of it, unless the decision was taken back meanwhile."""
    case = db.session.get_one(ReviewCase, event.case_id)
    if case.decided_at is None or now() - case.decided_at < cases.UNDO:
        return
    for flag in case.flags:
        if flag.by_id is None:
            mails.send_decision(flag, case)
        elif flag.by_id != case.decided_by_id:
            # What is hidden must not be named: neither topic nor post come along.
            notifications.notify(
                flag.by_id,
                kind="flag_decided",
                key=f"flag:{flag.id}",
                url="/notifications" if case.outcome == "agreed" else addresses.of_post_id(case.post_id),
                data={"outcome": case.outcome},
            )


@listens_to(CaseReopened)
def take_the_outcome_back(event: CaseReopened) -> None:
    """Take back what was told of a decision that is no more."""
    case = db.session.get_one(ReviewCase, event.case_id)
    for flag in case.flags if case.decided_at is None else ():
        if flag.by_id is not None:
            notifications.retract(flag.by_id, f"flag:{flag.id}")


def _tell_mentioned(post: Post, *, but: set[int | None] | set[int]) -> None:
    notifications.notify_each(
        sorted(mentions.in_post(post) - but),
        kind="mentioned",
        key=f"mention:{post.id}",
        url=addresses.of_post(post),
        topic=post.topic,
        post=post,
    )


def _tell_of_muting(
    muting: Muting | None, reader_id: int | None, *, kind: str, url: str, topic: Topic, post: Post | None
) -> None:
    if muting is not None and muting.is_held:
        return  # the banner on the page says that it waits; nobody muted it
    if muting is not None and not muting.is_silent and reader_id is not None and reader_id != muting.by_id:
        notifications.notify(
            reader_id,
            kind=kind.replace("muted", "hidden") if muting.is_waiting else kind,
            key=notifications.muting_key(muting),
            url=url,
            topic=topic,
            post=post,
            data={"reason": muting.reason},
        )
