"""Pages by key: nothing twice, nothing left out, also while things arrive."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.mail import Mail
from core.paging import page

BY = (Mail.created_at, Mail.id)


@pytest.fixture
def fifty(app: Flask) -> Iterator[list[int]]:
    with app.app_context():
        start = now()
        mails = [
            Mail(
                message_id=f"<{n}>",
                to="a@example.org",
                subject="s",
                text="t",
                created_at=start + timedelta(seconds=n // 3),
            )
            for n in range(50)
        ]
        db.session.add_all(mails)
        db.session.commit()
        yield [mail.id for mail in mails]


def test_walking_forward_shows_everything_once_although_times_repeat(fifty: list[int]) -> None:
    seen, cursor = [], None
    while True:
        found = page(select(Mail), by=BY, cursor=cursor, size=7)
        seen += [mail.id for mail in found]
        cursor = found.next
        if cursor is None:
            break
    assert seen == fifty[::-1]


def test_a_page_chosen_by_ids_first_is_the_same_page_either_way(fifty: list[int]) -> None:
    among = select(Mail.id).where(Mail.id != fifty[20])
    for descending in (True, False):
        plain = page(select(Mail).where(Mail.id != fifty[20]), by=BY, size=7, descending=descending)
        chosen = page(select(Mail), by=BY, size=7, descending=descending, among=among)
        assert [mail.id for mail in chosen] == [mail.id for mail in plain]
        after = page(select(Mail), by=BY, size=7, descending=descending, among=among, cursor=chosen.next)
        back = page(select(Mail), by=BY, size=7, descending=descending, among=among, cursor=after.previous)
        assert [mail.id for mail in back] == [mail.id for mail in plain]
        assert not {mail.id for mail in after} & {mail.id for mail in plain}


def test_walking_back_leads_over_the_same_pages(fifty: list[int]) -> None:
    first = page(select(Mail), by=BY, size=7)
    second = page(select(Mail), by=BY, cursor=first.next, size=7)
    back = page(select(Mail), by=BY, cursor=second.previous, size=7)
    assert [mail.id for mail in back] == [mail.id for mail in first]
    assert first.previous is None
    assert back.previous is None
    assert back.next is not None


def test_what_arrives_meanwhile_repeats_nothing(fifty: list[int]) -> None:
    first = page(select(Mail), by=BY, size=7)
    db.session.add(
        Mail(message_id="<new>", to="a@example.org", subject="s", text="t", created_at=now() + timedelta(days=1))
    )
    db.session.commit()
    second = page(select(Mail), by=BY, cursor=first.next, size=7)
    assert [mail.id for mail in second] == fifty[::-1][7:14]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%%%", "bm9wZQ", "WyJhIiwxXQ", "WyJ6IiwxLDJd", "A" * 5000, "WyJhIiwibm8iLCJ4Il0", "WyJhIiwxLDJd"],
)
def test_a_cursor_nobody_gave_out_never_breaks(fifty: list[int], cursor: str) -> None:
    assert len(page(select(Mail), by=BY, cursor=cursor, size=7)) <= 7


def test_an_empty_list_has_no_neighbours(app: Flask) -> None:
    with app.app_context():
        found = page(select(Mail), by=BY)
        assert (list(found), found.next, found.previous) == ([], None, None)
