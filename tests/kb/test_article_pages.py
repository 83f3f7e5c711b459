"""The pages of the knowledge base, as a browser without script sees them."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from forum.models import SeeAlso
from kb import articles, faces, promotion, queries
from kb.models import Article, ArticleFeedback, Nomination, Revision, Section
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

Browse = Callable[[str], Any]


@pytest.fixture
def article_id(stage: Any) -> int:
    """A published article that Bob's answer became."""

    def scene(world: World) -> int:
        world.everybody()
        return Shelf(world).published(sources=[world.solved().acceptance.post]).id

    found: int = stage(scene)
    return found


@pytest.fixture
def nomination_id(stage: Any) -> int:
    """A nomination that waits."""

    def scene(world: World) -> int:
        world.everybody()
        return Shelf(world).nominated().id

    found: int = stage(scene)
    return found


def test_an_article_says_what_helps_who_wrote_it_and_from_which_thread(guest: Any, article_id: int) -> None:
    page = guest.get(f"/kb/{article_id}-wireless-is-gone-after-an-update")
    assert page.status_code == 200
    for words in (
        "Wireless is gone after an update",
        "Restart the router, then choose channel 6.",
        "<em>off</em>",
        "<li>Choose channel 6.</li>",
        "Router R2",
        "Bob",
        "Wireless gone after the update",
        "Did this help?",
    ):
        assert words in page.text
    assert f'rel="canonical" href="http://localhost/kb/{article_id}-wireless-is-gone-after-an-update"' in page.text


@pytest.mark.parametrize("path", ["/kb/{id}", "/kb/{id}-an-old-title", "/kb/{id}-", "/kb/{id}-x?from=mail"])
def test_an_old_address_leads_to_the_new_one_for_good(guest: Any, article_id: int, path: str) -> None:
    answer = guest.get(path.format(id=article_id))
    if path.endswith("-"):
        assert answer.status_code == 404
        return
    assert answer.status_code == 301
    query = "?from=mail" if "?" in path else ""
    assert answer.headers["Location"] == f"/kb/{article_id}-wireless-is-gone-after-an-update{query}"


@pytest.mark.parametrize("path", ["/kb/4711", "/kb/99999999999999999999", "/kb/s/nowhere", "/kb/0-x"])
def test_what_is_not_there_is_a_page_with_a_way_onward(guest: Any, path: str) -> None:
    assert guest.get(path).status_code == 404


def test_the_thread_links_to_the_article(guest: Any, article_id: int, app: Any) -> None:
    with app.app_context():
        link = db.session.query(SeeAlso).one()
        assert link.url == f"/kb/{article_id}-wireless-is-gone-after-an-update"
    assert guest.get(link.url).status_code == 200


def test_a_guest_says_whether_it_helped_and_may_change_their_mind(guest: Any, article_id: int, app: Any) -> None:
    path = f"/kb/articles/{article_id}/feedback"
    answer = guest.post(path, data={"helped": "no"})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    page = guest.get(path).text
    assert "What was missing or wrong?" in page
    told = guest.post(path, data={"helped": "no", "comment": "Step 2 is missing."}, follow_redirects=True).text
    assert "Your note is with the editors" in told
    changed = guest.post(path, data={"helped": "yes"}, follow_redirects=True).text
    assert "Thank you" in changed
    assert "What was missing or wrong?" not in changed
    with app.app_context():
        row = db.session.query(ArticleFeedback).one()
        assert (row.helped, row.comment, row.reader[:6]) == (True, "Step 2 is missing.", "guest:")
        assert queries.feedback_of([article_id]) == {article_id: (1, 1)}


def test_a_member_says_it_on_the_articles_own_page(browser_of: Browse, article_id: int) -> None:
    alice = browser_of("alice")
    answer = alice.post(f"/kb/articles/{article_id}/feedback", data={"helped": "no"})
    where = f"/kb/{article_id}-wireless-is-gone-after-an-update#did-help"
    assert (answer.status_code, answer.headers["Location"]) == (303, where)
    assert "What was missing or wrong?" in alice.get(where).text
    assert alice.get(f"/kb/articles/{article_id}/feedback").headers["Location"] == where


def test_reading_and_rating_leaves_a_guest_without_a_cookie(guest: Any, article_id: int) -> None:
    path = f"/kb/{article_id}-wireless-is-gone-after-an-update"
    rating = f"/kb/articles/{article_id}/feedback"
    answers = [guest.get(path), guest.post(rating, data={"helped": "no"}), guest.get(rating), guest.get(path)]
    assert ["Set-Cookie" in answer.headers for answer in answers] == [False] * 4
    assert "csrf_token" not in answers[0].text


def test_an_article_is_kept_ready_for_guests_until_it_is_withdrawn(guest: Any, article_id: int, stage: Any) -> None:
    path = f"/kb/{article_id}-wireless-is-gone-after-an-update"
    made = guest.get(path)
    assert made.headers["ETag"], "a page that is kept has one"
    assert guest.get(path, headers={"If-None-Match": made.headers["ETag"]}).status_code == 304

    def withdraw(world: World) -> None:
        articles.withdraw(db.session.get_one(Article, article_id), by=world.emil, reason="It is wrong")

    stage(withdraw)
    gone = guest.get(path, headers={"If-None-Match": made.headers["ETag"]})
    assert gone.status_code == 404


def test_what_is_not_published_cannot_be_rated(guest: Any, stage: Any) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return Shelf(world).article().id

    path = f"/kb/articles/{stage(scene)}/feedback"
    assert guest.get(path).status_code == 404
    assert guest.post(path, data={"helped": "yes"}).status_code == 404


def test_members_and_guests_are_counted_apart(guest: Any, browser_of: Browse, article_id: int, app: Any) -> None:
    path = f"/kb/articles/{article_id}/feedback"
    guest.post(path, data={"helped": "yes"})
    browser_of("alice").post(path, data={"helped": "no"})
    with app.app_context():
        assert queries.feedback_of([article_id]) == {article_id: (1, 2)}


@pytest.mark.parametrize("data", [{}, {"helped": "perhaps"}, {"helped": "yes", "comment": "x" * 1001}])
def test_feedback_that_cannot_be_taken_gets_a_sentence(guest: Any, article_id: int, data: dict[str, str]) -> None:
    answer = guest.post(f"/kb/articles/{article_id}/feedback", data=data)
    assert answer.status_code == 422
    assert "Please look at this once more" in answer.text


def test_the_home_shows_sections_with_their_newest_articles(guest: Any, article_id: int) -> None:
    page = guest.get("/kb").text
    assert "Router" in page
    assert "1 article" in page
    assert f"/kb/{article_id}-" in page


def test_an_empty_knowledge_base_says_so(guest: Any) -> None:
    assert "Nothing is written up yet." in guest.get("/kb").text


def test_a_section_is_paged_and_filtered_by_language(stage: Any, guest: Any) -> None:
    def scene(world: World) -> None:
        shelf = Shelf(world)
        for number in range(30):
            shelf.published(title=f"Article number {number}", locale="de" if number % 2 else "en", resolution="Done.")

    stage(scene)
    page = guest.get("/kb/s/router").text
    assert "Article number 29" in page
    assert "Article number 3<" not in page
    assert "Older" in page
    assert "Article number 28" not in guest.get("/kb/s/router?locale=de").text


def test_the_queue_and_its_pages_are_for_editors(guest: Any, browser_of: Browse, nomination_id: int) -> None:
    for path in ("/kb/nominations", f"/kb/nominations/{nomination_id}", "/kb/sections"):
        assert guest.get(path).status_code == 303
        assert browser_of("alice").get(path).status_code == 403
        assert browser_of("dora").get(path).status_code == 403
        assert browser_of("emil").get(path).status_code == 200


def test_the_queue_shows_the_evidence_line_by_line(browser_of: Browse, nomination_id: int) -> None:
    page = browser_of("emil").get("/kb/nominations").text
    assert "Wireless gone after the update" in page
    assert "The asker says it solved the problem" in page
    assert f"/kb/nominations/{nomination_id}" in page
    for state in ("drafted", "published", "declined"):
        assert f"/kb/nominations/{nomination_id}" not in browser_of("emil").get(f"/kb/nominations?state={state}").text


def test_an_editor_drafts_beside_the_thread_and_publishes(
    browser_of: Browse, guest: Any, stage: Any, worker: Any
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        shelf = Shelf(world)
        shelf.published(title="Wireless gone: the router is not there")
        return shelf.nominated().id

    nomination_id = stage(scene)
    worker()
    emil = browser_of("emil")
    page = emil.get(f"/kb/nominations/{nomination_id}").text
    assert "Wireless gone: the router is not there" in page.split("The thread")[0]
    assert "Restart it, then choose channel 6." in page
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(page, action)
    assert fields["title"] == "Wireless gone after the update"
    assert fields["symptoms"] == "Since this morning. What now?"
    assert fields["resolution"] == "Restart it, then choose channel 6."
    assert (fields["tags"], fields["locale"], fields["section"]) == ("wifi", "en", "router")
    fields["title"] = "Wireless is gone after an update: choose channel 6"

    answer = emil.post(action, data=fields)
    assert answer.status_code == 303
    draft = emil.get(answer.headers["Location"])
    assert "This is a draft" in draft.text
    assert guest.get(answer.headers["Location"]).status_code == 404

    publication = answer.headers["Location"].split("-")[0].replace("/kb/", "/kb/articles/") + "/publication"
    assert publication in draft.text
    answer = emil.post(publication)
    assert answer.status_code == 303
    article = guest.get(answer.headers["Location"])
    assert article.status_code == 200
    assert "Bob" in article.text
    again = emil.get(f"/kb/nominations/{nomination_id}").text
    assert "There is an article of this answer" in again


def test_a_draft_that_is_sent_twice_is_one_article(browser_of: Browse, nomination_id: int, app: Any) -> None:
    emil = browser_of("emil")
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(emil.get(f"/kb/nominations/{nomination_id}").text, action)
    first, second = emil.post(action, data=fields), emil.post(action, data=fields)
    assert first.headers["Location"] == second.headers["Location"]
    with app.app_context():
        assert db.session.query(Article).count() == 1


def test_the_second_of_two_drafting_editors_keeps_what_they_typed(browser_of: Browse, nomination_id: int) -> None:
    emil, root = browser_of("emil"), browser_of("root")
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(root.get(f"/kb/nominations/{nomination_id}").text, action)
    emil.post(action, data=fields_of(emil.get(f"/kb/nominations/{nomination_id}").text, action))
    answer = root.post(action, data={**fields, "summary": "What Root typed."})
    assert answer.status_code == 409
    assert "There is an article of this answer" in answer.text
    assert fields_of(answer.text, action)["summary"] == "What Root typed."


def test_what_is_wrong_with_a_draft_is_said_and_nothing_typed_is_lost(browser_of: Browse, nomination_id: int) -> None:
    emil = browser_of("emil")
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(emil.get(f"/kb/nominations/{nomination_id}").text, action)
    answer = emil.post(action, data={**fields, "title": "", "summary": "My own summary."})
    assert answer.status_code == 422
    assert "This is still empty." in answer.text
    assert fields_of(answer.text, action)["summary"] == "My own summary."
    answer = emil.post(action, data={**fields, "tags": "a,b,c,d,e,f", "summary": "My own summary."})
    assert answer.status_code == 422
    assert fields_of(answer.text, action)["tags"] == "a,b,c,d,e,f"
    answer = emil.post(action, data={**fields, "section": "new", "section_name": ""})
    assert answer.status_code == 422


def test_a_new_section_is_made_with_the_draft(stage: Any, browser_of: Browse, nomination_id: int, app: Any) -> None:
    emil = browser_of("emil")
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(emil.get(f"/kb/nominations/{nomination_id}").text, action)
    assert emil.post(action, data={**fields, "section": "new", "section_name": "Wireless & co"}).status_code == 303
    with app.app_context():
        assert db.session.query(Section).filter_by(slug="wireless-co").one().names["de"] == "Wireless & co"


def test_declining_needs_a_reason_and_leaves_the_queue(browser_of: Browse, nomination_id: int, app: Any) -> None:
    emil = browser_of("emil")
    path = f"/kb/nominations/{nomination_id}/decline"
    assert emil.post(path, data={"reason": ""}).status_code == 422
    assert emil.post(path, data={"reason": "Only this one router."}).headers["Location"] == "/kb/nominations"
    assert "Only this one router." in emil.get("/kb/nominations?state=declined").text
    assert "Only this one router." in emil.get(f"/kb/nominations/{nomination_id}").text
    with app.app_context():
        assert db.session.get_one(Nomination, nomination_id).state == "declined"


def test_an_editor_edits_a_live_article_and_readers_see_it_when_it_is_published(
    browser_of: Browse, guest: Any, article_id: int
) -> None:
    emil = browser_of("emil")
    path = f"/kb/articles/{article_id}/edit"
    fields = fields_of(emil.get(path).text, path)
    assert fields["based_on"] == "1"
    answer = emil.post(path, data={**fields, "summary": "Only restart it.", "comment": "Shorter"})
    assert answer.headers["Location"].endswith("?version=2")
    assert "Readers see version 1." in emil.get(answer.headers["Location"]).text
    address = f"/kb/{article_id}-wireless-is-gone-after-an-update"
    assert "Only restart it." not in guest.get(address).text
    assert "is written and not published yet" in emil.get(address).text
    emil.post(f"/kb/articles/{article_id}/publication")
    assert "Only restart it." in guest.get(address).text
    history = browser_of("dora").get(f"/kb/articles/{article_id}/history").text
    assert "Shorter" in history
    assert "<ins>" in history
    assert "<del>" in history


def test_the_second_editor_sees_both_texts_and_loses_nothing(browser_of: Browse, article_id: int, app: Any) -> None:
    emil, root = browser_of("emil"), browser_of("root")
    path = f"/kb/articles/{article_id}/edit"
    first = fields_of(emil.get(path).text, path)
    second = fields_of(root.get(path).text, path)
    emil.post(path, data={**first, "summary": "What Emil says."})
    answer = root.post(path, data={**second, "summary": "What Root says."})
    assert answer.status_code == 409
    assert "What Root says." in answer.text
    assert "Emil" in answer.text.split('<form class="form"')[0]
    fields = fields_of(answer.text, path)
    assert (fields["based_on"], fields["summary"]) == ("2", "What Root says.")
    assert root.post(path, data=fields).status_code == 303
    with app.app_context():
        numbers = [row.summary for row in db.session.query(Revision).order_by(Revision.number)]
        assert numbers[1:] == ["What Emil says.", "What Root says."]


def test_faces_are_edited_with_the_article_and_only_the_changed_ones_are_kept(
    browser_of: Browse, article_id: int, app: Any
) -> None:
    emil = browser_of("emil")
    path = f"/kb/articles/{article_id}/edit"
    page = emil.get(path).text
    fields = fields_of(page, path)
    assert fields["face_sentence"] == "Restart the router, then choose channel 6."
    assert "data-count-limit" in page
    answer = emil.post(path, data={**fields, "face_280": "Channel 6 helps."})
    assert answer.status_code == 303
    with app.app_context():
        kept = {face.kind: (face.text, face.is_drafted) for face in db.session.get_one(Article, article_id).faces}
        assert kept["280"] == ("Channel 6 helps.", False)
        assert [kind for kind, (_text, is_drafted) in kept.items() if not is_drafted] == ["280"]
    answer = emil.post(path, data={**fields, "face_280": "x" * 280})
    assert answer.status_code == 422
    assert "together with the address 280 fit" in answer.text


@pytest.mark.parametrize("based_on", ["", "x", "-1", "²", "9" * 30])
def test_a_damaged_edit_page_is_refused_with_a_sentence(browser_of: Browse, article_id: int, based_on: str) -> None:
    emil = browser_of("emil")
    path = f"/kb/articles/{article_id}/edit"
    fields = fields_of(emil.get(path).text, path)
    answer = emil.post(path, data={**fields, "based_on": based_on})
    assert answer.status_code in {409, 422}


def test_an_earlier_version_is_brought_back(browser_of: Browse, article_id: int, stage: Any, app: Any) -> None:
    def scene(world: World) -> None:
        article = db.session.get_one(Article, article_id)
        words = articles.words_of(queries.newest_revision(article))
        articles.revise(article, by=world.emil, **{**words, "summary": "Worse."})

    stage(scene)
    emil = browser_of("emil")
    assert "Bring back" in emil.get(f"/kb/articles/{article_id}/history").text
    assert emil.post(f"/kb/articles/{article_id}/revisions/1/restoration").status_code == 303
    assert emil.post(f"/kb/articles/{article_id}/revisions/99/restoration").status_code == 404
    with app.app_context():
        newest = queries.newest_revision(db.session.get_one(Article, article_id))
        assert (newest.number, newest.summary) == (3, "Restart the router, then choose channel 6.")


def test_a_withdrawn_article_is_gone_for_readers(browser_of: Browse, guest: Any, article_id: int, app: Any) -> None:
    emil = browser_of("emil")
    path = f"/kb/articles/{article_id}/withdrawal"
    assert emil.get(path).status_code == 200
    assert emil.post(path, data={"reason": ""}).status_code == 422
    assert emil.post(path, data={"reason": "It was wrong."}).status_code == 303
    assert guest.get(f"/kb/{article_id}").status_code == 404
    assert f"/kb/{article_id}" in emil.get("/kb/drafts").text
    with app.app_context():
        assert db.session.query(SeeAlso).count() == 0


def test_editors_write_from_scratch_and_keep_the_sections_in_order(browser_of: Browse, stage: Any, app: Any) -> None:
    stage(lambda world: world.everybody() and None)
    emil = browser_of("emil")
    assert emil.post("/kb/sections", data={"name_de": "", "name_en": "", "position": "0"}).status_code == 422
    assert (
        emil.post("/kb/sections", data={"name_de": "Rechnung", "name_en": "Bills", "position": "0"}).status_code == 303
    )
    assert emil.post("/kb/sections", data={"name_de": "", "name_en": "Bills!", "position": "0"}).status_code == 422
    section = {"name_de": "Rechnungen", "name_en": "Bills", "parent": "", "slug": "bills"}
    assert emil.post("/kb/s/bills/edit", data={**section, "position": "x"}).status_code == 422
    assert emil.post("/kb/s/bills/edit", data={**section, "position": "7"}).status_code == 303
    page = emil.get("/kb/articles/new?section=bills").text
    fields = fields_of(page, "/kb/articles")
    assert fields["section"] == "bills"
    answer = emil.post("/kb/articles", data={**fields, "title": "Where the bill is", "resolution": "In the drawer."})
    assert answer.status_code == 303
    with app.app_context():
        section = db.session.query(Section).one()
        assert (section.names, section.position) == ({"de": "Rechnungen", "en": "Bills"}, 7)
        assert db.session.query(Article).one().published_id is None


def test_strangers_change_nothing(browser_of: Browse, guest: Any, article_id: int, nomination_id: int) -> None:
    for path in (
        f"/kb/nominations/{nomination_id}/article",
        f"/kb/nominations/{nomination_id}/decline",
        f"/kb/articles/{article_id}/edit",
        f"/kb/articles/{article_id}/publication",
        f"/kb/articles/{article_id}/withdrawal",
        f"/kb/articles/{article_id}/revisions/1/restoration",
        "/kb/articles",
        "/kb/sections",
        "/kb/s/router/edit",
    ):
        assert guest.post(path).status_code == 401, path
        assert browser_of("alice").post(path).status_code == 403, path
        if path != "/kb/articles":  # agents draft
            assert browser_of("dora").post(path).status_code == 403, path


def test_the_feed_is_atom_with_whole_texts(guest: Any, article_id: int) -> None:
    answer = guest.get("/feeds/kb.xml")
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    assert f"http://localhost/kb/{article_id}" in answer.text
    assert "Choose channel 6." in answer.text


def test_the_sitemap_names_the_articles_of_guests(guest: Any, article_id: int) -> None:
    assert "/sitemaps/articles-1.xml" in guest.get("/sitemap.xml").text
    text = guest.get("/sitemaps/articles-1.xml").text + guest.get("/sitemaps/kb.xml").text
    assert f"http://localhost/kb/{article_id}-wireless-is-gone-after-an-update" in text
    assert "http://localhost/kb/s/router" in text


def test_the_proposal_of_the_page_and_of_the_deed_are_the_same(
    browser_of: Browse, nomination_id: int, app: Any
) -> None:
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(browser_of("emil").get(f"/kb/nominations/{nomination_id}").text, action)
    with app.app_context():
        proposal = promotion.propose(db.session.get_one(Nomination, nomination_id).post)
        assert fields["keywords"] == ", ".join(proposal.keywords)
        assert fields["summary"] == proposal.summary
        assert faces.LIMITS["280"] == 280
