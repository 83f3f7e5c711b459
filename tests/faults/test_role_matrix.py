"""Every route and every call, asked by everybody: who is let in is written down here.

A route that is not in `LET_IN` fails this test: whoever adds one says whom it is for. What a person may do with the
single thing behind a route (their own draft, somebody else's session) is asked in test_at_the_door.py and in the rooms.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from accounts import one_time, penalties
from app import create_app
from core.api import PREFIX
from core.clock import now
from core.db import db
from desk import blocks as desk_blocks
from desk import call_backs, calls, checklists, counters, promises, replies, saved_views, side_talks
from desk.models import Channel
from desk.promise_models import LintFinding
from forum import (
    answers,
    canned,
    experiences,
    fields,
    flags,
    images,
    moderation,
    objections,
    personal_data,
    suggested_edits,
    words,
)
from forum.models import PersonalRule, WatchedWord
from kb import asking, blocks, uses, vocabulary
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.forum.test_images import picture, shown
from tests.kb.shelf import Shelf

ROLES = {
    "guest": "",
    "member": "charlie",
    "trusted": "tina",
    "agent": "dora",
    "lead": "lena",
    "moderator": "ada",
    "editor": "emil",
    "admin": "root",
}
ANYBODY = frozenset(ROLES)
MEMBERS = ANYBODY - {"guest"}
TEAM = MEMBERS - {"member", "trusted"}
DECIDING = TEAM | {"trusted"}
MODERATORS, EDITORS = (frozenset({role, "admin"}) for role in ("moderator", "editor"))
AGENTS = frozenset({"agent", "lead", "admin"})
LEADS = frozenset({"lead", "admin"})
ADMINS = frozenset({"admin"})
OWN = frozenset({"its author"})
"""Only where the author is oneself, or of the team; here Bob wrote it."""
NOBODY = frozenset[str]()
"""A service proves itself by the signature of what it delivers, not by being somebody."""

GROUPS: dict[frozenset[str], str] = {
    ANYBODY: """
        about healthz readyz metrics robots openapi no_such_call styleguide static klinke_css
        accounts.confirm_email accounts.forgot_password accounts.register accounts.reset_password accounts.sign_in
        accounts.sign_out accounts.set_locale accounts.set_theme
        forum.ask forum.category_feed forum.count_solved_by_suggestion forum.home forum.latest_feed forum.post_history
        forum.most_asked forum.related
        forum.ask forum.ask_about_answer forum.ask_to_stop_mails forum.decide_by_mail forum.stop_mails
        forum.category_feed forum.count_solved_by_suggestion forum.home forum.latest_feed forum.post_history
        forum.search_feed accounts.claim desk.show_aside desk.answer_aside
        forum.ask_about_question forum.ask_for_solution forum.ask_to_confirm_guest forum.ask_to_stop_guest
        forum.confirm_guest forum.post_mailed_question forum.send_solution_mail forum.stop_guest
        forum.show_category forum.show_person forum.show_post forum.show_tag forum.show_topic forum.sitemap
        forum.sitemap_part
        forum.leaders forum.helpful forum.call_helpful forum.uncall_helpful
        forum.show_image forum.tag_feed forum.thank_for_looking forum.flag_post forum.send_flag
        accounts.object_to_penalty forum_api.list_topics forum_api.show_topic
        kb.note_reading kb.product_list kb.show_product kb.ask_outcome kb.tell_outcome kb.note_opened
        desk.ask_solved desk.solved_without_ticket desk.tell_solved
        kb.show_feedback kb.feed kb.give_feedback kb.home kb.show_article kb.show_section kb_api.list_articles
        kb_api.show_article_call
        search.complete search.note_search search.opensearch search.results search.similar search.suggestions
        search_api.search search_api.similar
        demo.plaza demo.plaza_posts demo.post_to_plaza
        desk.show_counter desk.leave_at_counter
    """,
    MEMBERS: """
        kb.ask_flag kb.flag_article
        accounts.end_other_sessions accounts.end_session accounts.password accounts.revoke_token
        accounts.send_confirmation accounts.own_penalty accounts.sessions accounts.settings accounts.tokens
        forum.choose_following forum.following forum.notification_settings forum.save_notification_settings
        forum.trust forum.points forum.choose_listing forum.try_address_again forum.say_me_too forum.undo_me_too
        forum.ask_fields forum.post_image forum.suggest_edit forum.send_suggestion
        forum.discard_draft forum.follow forum.reminders forum.tell_experience forum.withdraw_experience
        forum.mark_notifications_read forum.notifications forum.post_answer
        forum.post_comment forum.write_comment forum.post_topic forum.preview forum.save_draft
        forum.undo_vote forum.unfollow forum.vote
        forum_api.answer forum_api.ask forum_api.comment search_api.note_search
    """,
    DECIDING: """
        forum.accept_answer forum.undo_acceptance forum.undo_one_acceptance forum.wake_topic forum_api.accept
        forum_api.undo_acceptance forum.inserts
        forum.ask_back forum.withdraw_question_back forum.take_topic forum.taken
        forum.release_topic kb.nominate_post
    """,
    TEAM: """
        forum.edit_post forum.save_edit forum.moderation forum.write_note forum.show_case kb.article_history
        kb.doubted_articles forum.show_suggestion
        kb.overdue kb.link_list kb.archive kb.show_recall kb.settle_recall
        forum.ask_whether_obsolete forum.make_obsolete forum.lift_obsolete
        kb.article_languages kb.parity_board kb.face_debts_page kb.index_report
        kb.drafts forum.reply_list forum.post_reply forum.edit_reply forum.save_reply forum.remove_reply
        desk_api.suggest desk_api.triage desk_api.lint_draft search.explain
    """,
    AGENTS: """
        desk.tell_outcome desk.show_clock desk.ask_goodwill desk.goodwill_list desk.goodwill_sheet desk.give_to_team
        desk.decide_goodwill desk.withdraw_absence
        desk.absence_list desk.post_absence desk.timing_figures desk.timing_sheet desk.timing_list
        desk.timing_list_sheet desk.knowledge_figures desk.solved_figures desk.link_figures desk.knowledge_sheet
        desk.solved_sheet desk.links_sheet desk.use_figures desk.use_sheet desk.measure_list desk.measure_list_sheet
        desk.link_sheets desk.draw_link_sheet desk.link_sheet desk.judge_link desk.reviews desk.draw_review desk.review
        desk.write_review desk.read_review desk.give_review_back desk.take_message_file
        desk.ask_note desk.write_note desk.withdraw_note desk.ask_hand_over desk.hand_over desk.take_hand_over
        desk.ask_aside desk.begin_aside desk.end_aside desk.tell_presence
        desk.ask_in_forum desk.prepare_question desk.send_claim
        desk.offers desk.preview desk.prepare_topic desk.publish_exchange
        desk.block_list desk.write_block desk.post_block desk.show_block desk.edit_block desk.save_block
        desk.restore_block desk.place_block desk.export_blocks desk.import_blocks
        desk.queue_lines desk.take_next desk.save_view desk.change_view desk.remove_view desk.snooze desk.wake
        desk.show_history desk.bulk_deeds desk.do_in_bulk desk.undo_in_bulk
        desk.checklist desk.checklist_day desk.sign_item
        desk.assign desk.change_state desk.exchange desk.inbox desk.inbox_lines desk.mark_sent desk.post_reply
        desk.send_again desk.show_conversation desk_api.list_conversations desk_api.post_reply
        desk_api.show_conversation
        desk.show_person desk.join_contacts desk.part_contacts desk.part_member desk.send_code desk.say_code
        desk.mark_person desk.remove_mark desk.look_at_card desk.show_why desk.prepare_private desk.move_to_private
        desk.open_counter desk.read_counter desk.withdraw_counter desk.take_document desk.write_call desk.keep_call
        desk.begin_call desk.note_call_of desk.keep_attempt desk.read_number desk.change_call desk.keep_change
        desk.correct_message desk.undo_correction desk.mute_conversation desk.unmute_conversation
        desk.fairness_page desk.incident_list desk.open_incident desk.show_incident desk.answer_incident
        desk.solve_incident desk.add_cases desk.leave_incident
        desk_api.post_note desk_api.list_notes desk_api.post_assignment desk_api.post_state desk_api.list_promises
        desk_api.post_promise desk_api.settle_promise desk_api.find_contact desk_api.show_contact
        desk_api.show_conversation desk.promise_list desk.settle_promise desk.make_promise
        desk.call_list desk.arrange_call desk.note_call desk.lint_reply
        desk.undo_reply desk.put_away desk.withdraw_reply desk.replies_to_approve desk.show_held_reply
        desk.approve_reply desk.return_reply desk.write_by_hand desk.note_by_hand
        desk.own_initials desk.choose_initials
        desk.keep_draft desk.drop_draft desk.restore_draft desk.show_watch desk.begin_watch desk.end_watch
        desk.ask_passing desk.pass_over desk.ask_for_code
    """,
    MODERATORS: """
        forum.set_trust
        forum.take_suggestion forum.decline_suggestion forum.undo_suggestion
        forum.objection_list forum.answer_objection forum.remove_experience
        accounts.lift_penalty accounts.penalise accounts.close_staged
        forum.claim_case forum.decide_case forum.decide_cases forum.edit_case forum.release_case forum.undo_decision
        forum.mute_post forum.mute_topic forum.unmute_post forum.unmute_topic
        forum.arrange_topic forum.close_duplicate forum.close_topic forum.reopen_topic forum.rename_topic
        forum.move_topic forum.give_topic forum.retag_topic forum.pin_topic forum.unpin_topic forum.merge_topic
        forum.choose_author forum.give_post
        forum.give_to forum.choose_posts forum.split_topic forum.arrange_many forum.do_to_many forum.undo_many
        forum_api.mute_post forum_api.mute_topic forum_api.unmute_post forum_api.unmute_topic
    """,
    EDITORS: """
        desk.stored_findings desk.show_stored desk.accept_finding
        kb.block_list kb.post_block kb.show_block kb.edit_block kb.save_block kb.restore_block kb.remove_block
        kb.dissolve_block
        kb.confirm_article kb.contradict_article kb.personal_data_of kb.confirm_personal_data kb.reconsider_finding
        kb.dissolve_section kb.place_article kb.join_article kb.leave_family kb.confirm_languages
        kb.translate_article kb.post_translation kb.ask_publication kb.plan_publication kb.cancel_publication
        kb.ask_withdrawal kb.decline_nomination kb.draft_article kb.edit_article kb.edit_section
        kb.needs kb.settle_task kb.verify_articles kb.verify_article kb.compare_source kb.keep_despite_source
        kb.update_from_source kb.check_link kb.ask_retirement kb.retire_article kb.revive_article
        kb.ask_owner kb.give_article
        kb.figures kb.figure_list
        kb.post_product kb.edit_product kb.save_product kb.remove_product
        kb.post_version kb.release_version kb.remove_version
        kb.post_section kb.promotion_queue kb.publish_article kb.restore_revision kb.save_article kb.save_section
        kb.section_list kb.show_nomination kb.withdraw_article
        kb_api.draft_from_post kb_api.publish_article_call kb_api.withdraw_article_call
    """,
    AGENTS | EDITORS: "kb.write_article kb.post_article kb_api.create_article",
    MODERATORS | EDITORS: "kb.searches kb.close_search kb.gap_list kb.show_gap",
    ADMINS: """
        kb.check_rules kb.set_check_rule kb.drop_check_rule kb.choose_publishers
        accounts.audit_log accounts.edit_person accounts.people_list
        forum.tag_list forum.post_tag forum.edit_tag forum.reserve_tag forum.free_tag forum.post_tag_synonym
        forum.remove_tag_synonym forum.merge_tag
        forum.word_list forum.post_word forum.remove_word
        forum.personal_rules forum.post_personal_rule forum.remove_personal_rule
        forum.category_list forum.post_category forum.edit_category forum.save_category
        forum.post_field forum.edit_field forum.save_field forum.remove_field
        desk.clock_rules desk.new_calendar desk.post_calendar desk.edit_calendar desk.save_calendar
        desk.remove_calendar desk.new_policy desk.post_policy desk.edit_policy desk.save_policy desk.remove_policy
        desk.post_step desk.remove_step
        desk.card_sources desk.add_card_source desk.remove_card_source desk.choose_worth
        desk.priority_page desk.weigh_priority
        desk.rule_list desk.post_rule desk.edit_rule desk.save_rule desk.switch_rule desk.move_rule desk.remove_rule
        desk.channels desk.new_channel desk.open_channel desk.show_channel desk.change_channel desk.check_channel
        desk.renew_channel_secret desk.part_with_channel desk.forget_channel desk.address_channel desk.switch_channel
        desk.choose_asking desk.choose_credits desk.choose_sending
        desk.choose_solved desk.criteria desk.add_criterion desk.remove_criterion
        desk.add_feed desk.ask_feed_again desk.remove_feed desk.watch_list desk.channel_signed_in
        desk.finish_channel_sign_in desk.let_channel_in
        desk.preview_erasure desk.erase_contact desk.disclose_contact desk.retention_page desk.choose_retention
        desk.webhook_list desk.open_webhook desk.show_webhook desk.rotate_webhook desk.switch_webhook
        desk.try_webhook desk.repeat_delivery desk.remove_webhook
        kb.synonym_list kb.post_synonym kb.edit_synonym kb.save_synonym kb.remove_synonym
    """,
    LEADS: """
        desk.team_list desk.new_team desk.post_team desk.edit_team desk.save_team desk.remove_team desk.edit_agent
        desk.save_agent desk.add_item desk.change_item desk.remove_item
        desk.sending desk.add_approval_rule desk.remove_approval_rule desk.let_learn desk.roles_page
        desk.ask_call_removal desk.remove_call
        accounts.admin_home
        desk.delivery_list desk.channel_deliveries desk.show_delivery desk.read_delivery desk.repeat_channel_delivery
    """,
    NOBODY: "desk.receive_webhook desk_api.deliver desk.answer_challenge desk.receive_webmention",
    OWN: "forum.withdraw_suggestion forum.object_to_muting forum.make_official forum.unmake_official",
}
LET_IN = {endpoint: roles for roles, endpoints in GROUPS.items() for endpoint in endpoints.split()}
QUERIES = {"desk_api.find_contact": {"channel": "social", "handle": "@max@social.example"}}
"""What a call cannot do without."""
WORDS = {
    "forum_api.ask": {"category": "router", "title": "What is it for?", "body": "It is on all night.", "locale": "en"},
    "forum_api.answer": {"body": "It is for the night."},
    "forum_api.comment": {"body": "It is for the night."},
    "forum_api.mute_topic": {"reason": "off topic"},
    "forum_api.mute_post": {"reason": "off topic"},
    "kb_api.create_article": {
        "section": "router",
        "locale": "en",
        "title": "The light",
        "body": "It is for the night.",
    },
    "desk_api.post_reply": {"text": "Please restart it."},
    "desk_api.post_note": {"text": "Look at the light."},
    "desk_api.post_assignment": {"assignee": None},
    "desk_api.post_state": {"state": "waiting_customer"},
    "desk_api.post_promise": {"what": "A lamp", "due": "2099-01-01T00:00:00Z"},
    "desk_api.settle_promise": {"state": "kept"},
    "desk_api.lint_draft": {"text": "Please call us."},
    "desk_api.suggest": {"text": "The light is on all night."},
    "desk_api.triage": {"text": "The light is on all night."},
}
"""Bodies that the calls can take: what is wrong with a body must not hide what is wrong with a person."""
HIDDEN = {"search.explain"}
"""Pages that others do not even learn of."""
ENDS_THE_SESSION = "accounts.sign_out"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_every_route_says_whom_it_is_for(app: Flask, tmp_path: Path) -> None:
    with_demo = create_app({"KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8, "KLINKE_DEMO": "1"})
    assert set(with_demo.view_functions) | set(app.view_functions) == set(LET_IN)


@pytest.mark.timeout(400)  # every address is asked for by everybody
def test_everybody_is_let_in_where_they_belong_and_nowhere_else(
    app: Flask,
    stage: Callable[[Callable[[World], Any]], Any],
    browser_of: Callable[[str], Browser],
    token_of: Callable[..., str],
) -> None:
    things: dict[str, dict[str, Any]] = stage(scenes)
    asked = 0
    wrong = []
    for role, handle in ROLES.items():
        headers = {"Authorization": f"Bearer {token_of(handle)}"} if handle else {}
        reader: Browser = browser_of(handle) if handle else app.test_client()  # type: ignore[assignment]
        for rule, method, path in addresses(app, things[role]):
            is_call = path.startswith(PREFIX)
            body = {"json": WORDS.get(rule.endpoint)} if is_call else {"data": {"reason": "off topic"}}
            asks = {"query_string": QUERIES.get(rule.endpoint)} if method == "GET" else body
            status = reader.open(path, method=method, headers=headers, **asks).status_code
            if not is_right(status, role, rule.endpoint, is_call=is_call, is_read=method == "GET"):
                wrong.append(f"{role}: {method} {rule.rule} ({rule.endpoint}) answers {status}")
            if rule.endpoint == ENDS_THE_SESSION and handle:
                reader = browser_of(handle)
            asked += 1
    assert wrong == []
    assert asked > 800


def is_right(status: int, role: str, endpoint: str, *, is_call: bool, is_read: bool) -> bool:
    """Tell whether a person of this role was let in, or refused in the way that is meant for them."""
    let_in = LET_IN[endpoint]
    if endpoint == "readyz":
        return status == 503  # there is no worker here, and everybody is told
    if let_in == NOBODY:
        return status in {401, 404}
    if role in let_in:
        refused_to_members = status in {401, 403}
        return status < 500 and not refused_to_members
    if endpoint in HIDDEN:
        return status == 404
    if role == "guest":
        return status == (303 if is_read and not is_call else 401)
    return status == 403


def addresses(app: Flask, things: dict[str, Any]) -> Iterator[tuple[Rule, str, str]]:
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=str):
        for method in METHODS:
            if method in (rule.methods or ()):
                values = {name: things[name] for name in rule.arguments}
                yield rule, method, adapter.build(rule.endpoint, values, method=method)


def scenes(world: World) -> dict[str, dict[str, Any]]:
    """Give each role things of its own, so that what one does to them is nothing to the next."""
    world.everybody(), world.lena
    channel = desk_stage.channel(world, endpoint="https://social.example/replies")
    return {role: scene_for(world, role, channel) for role in ROLES}


def scene_for(world: World, role: str, channel: Channel) -> dict[str, Any]:
    image = images.keep(picture(), by=world.alice)
    field = fields.add(
        world.router, names={"en": f"Asked by {role}"}, hints={}, kind="line", required=False, by=world.root
    )
    topic = world.ask(f"What is the light for, asked for the {role}", shown(image))
    answer = world.answer(topic)
    answers.accept(answer, by=world.alice)
    tried = experiences.tell(answer, has_worked=False, words="It stays dark.", by=world.tina)
    muted = world.answer(topic, "An answer that is muted.")
    moderation.mute(muted, by=world.ada, reason="off topic")
    objection = objections.raise_against(muted, text="It is on topic.", by=world.bob)
    article = Shelf(world).published(title=f"What the light is for, for the {role}")
    text_block = blocks.create(name=f"of-the-{role}", words={"en": "Hold it."}, audience="public", by=world.emil)
    reply_block = desk_blocks.create(
        desk_blocks.Words(title=f"Of the {role}", words={"en": "Please wait."}), by=world.dora
    )
    assert reply_block.id == text_block.id  # their addresses share a name
    synonym = vocabulary.add(words=["light", f"lamp of the {role}"], locale="en", by=world.root)
    message = desk_stage.received(channel, conversation=f"thread-{role}", id=f"post-{role}")
    sent = replies.reply(message.conversation, text="Please restart it.", by=world.dora)
    sent.state = "failed"
    soon = now() + timedelta(hours=1)
    promise = promises.make(message.conversation, what="A new lamp", due_at=soon, owner=world.dora, by=world.dora)
    call = call_backs.arrange(
        message.conversation, phone="030 901820", since=now(), until=soon, owner=world.dora, by=world.dora
    )
    stored = LintFinding(
        source="block", ref=role, type="shouting", seal="0", said="NOW", title="A block", url="/kb", found_at=now()
    )
    db.session.add(stored)
    used = uses.record(article, face=None, where_kind="message", where_id=sent.id, by=world.dora)
    counter = counters.open_for(message.conversation, asks=["phone"], in_public=True, by=world.dora)
    nomination = Shelf(world).nominated(title=f"Solved and accepted for the {role}")
    case = flags.flag(world.answer(topic, "An answer to report."), reason="spam", by=world.tina).case
    better = suggested_edits.suggest(
        answer, source="Press it twice.", reason="It needs two.", version=1, by=world.person(f"better-{role}")
    )
    words.watch(f"word-of-{role}", deed="hold", by=world.root)
    word = db.session.query(WatchedWord).order_by(WatchedWord.id.desc()).first()
    assert word is not None
    talk = side_talks.begin(
        message.conversation, name="Rosa", address="rosa@depot.example", question="Well?", locale="en", by=world.dora
    )
    personal_data.add(f"{role}-####", deed="find", by=world.root)
    rule = db.session.query(PersonalRule).order_by(PersonalRule.id.desc()).first()
    assert rule is not None
    db.session.flush()
    return {
        "case_id": case.id,
        "locale": "de",
        "suggestion_id": better.id,
        "word_id": word.id,
        "rule_id": rule.id,
        "finding_id": 10**9,
        "promise_id": promise.id,
        "call_id": call.id,
        "call_note_id": calls.note(
            message.conversation, calls.Said(kind="call_in", result="reached", number="030 901820"), by=world.dora
        ).id,
        "stored_id": stored.id,
        "reply_id": canned.keep(
            title=f"Reply for the {role}", keywords="", said={"en": "Please restart it."}, by=world.dora
        ).id,
        "penalty_key": penalties.impose(
            world.person(f"bad-{role}"), kind="silence", days=1, reason="Calls people names.", by=world.root
        ).key,
        "topic_id": topic.id,
        "post_id": answer.id,
        "experience_id": tried.id,
        "objection_id": objection.id,
        "picture": image.name,
        "field": field.key,
        "part": "topics-1",
        "figure": "helped",
        "ref": f"topic-{topic.id}",
        "slug": "router",
        "handle": "alice",
        "name": "social",
        "tag": "wifi",
        "article_id": article.id,
        "task_id": 10**9,
        "version_id": 10**9,
        "held_id": 10**9,
        "approval_rule_id": 10**9,
        "link_id": 10**9,
        "recall_id": 10**9,
        **dict.fromkeys(("calendar_id", "policy_id", "step_id", "team_id", "goodwill_id", "absence_id"), 10**9),
        "use_id": 10**9,
        "incident_id": 10**9,
        "view_id": saved_views.create(name=f"For the {role}", wanted={}, is_shared=True, by=world.dora).id,
        "item_id": checklists.add(team="Desk", part="start", words=f"For the {role}", by=world.root).id,
        "day": "2026-01-05",
        "hook_id": 10**9,
        "kind": "webhook",
        "file_id": 10**9,
        **dict.fromkeys(("sheet_id", "check_id", "review_id", "criterion_id"), 10**9),
        "delivery_id": 10**9,
        "ticket": asking.address_of(used).rsplit("/", 1)[-1],
        "sealed": side_talks.link_of(talk).rsplit("/", 1)[-1],
        "talk_id": 10**9,
        "note_id": 10**9,
        "card_id": 10**9,
        "nomination_id": nomination.id,
        "conversation_id": message.conversation_id,
        "message_id": sent.id,
        "contact_id": message.conversation.contact_id,
        "join_id": 10**9,
        "mark_id": 10**9,
        "source_id": 10**9,
        "counter_id": counter.id,
        "document_id": 10**9,
        "draft_id": 10**9,
        "channel_id": channel.id,
        "user_id": world.charlie.id,
        "deed_id": 10**9,
        "sign_in_id": 10**9,
        "synonym_id": synonym.id,
        "block_id": text_block.id,
        "token_id": 10**9,
        "token": one_time.issue(world.bob, "confirm"),
        "number": 1,
        "key": "ask",
        "_rest": "nothing",
        "filename": "css/klinke.css",
    }
