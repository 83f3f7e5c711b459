"""Once is once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import func, select

from core import once
from core.db import db
from core.once import Claim


def test_the_first_claim_is_ours_and_the_second_gets_the_first_answer(app: Flask) -> None:
    with app.app_context():
        assert once.claim("user:1", "abc", b"text") is None
        once.remember("user:1", "abc", status=303, answer="/t/1")
        db.session.commit()
        again = once.claim("user:1", "abc", b"text")
        assert again == once.Before(303, "/t/1", is_same=True)


def test_the_same_key_with_other_content_is_noticed(app: Flask) -> None:
    with app.app_context():
        once.claim("user:1", "abc", b"text")
        db.session.commit()
        again = once.claim("user:1", "abc", b"other text")
        assert again is not None
        assert not again.is_same


def test_two_people_may_use_the_same_key(app: Flask) -> None:
    with app.app_context():
        assert once.claim("user:1", "abc") is None
        assert once.claim("user:2", "abc") is None


def test_a_deed_that_failed_leaves_its_key_free(app: Flask) -> None:
    with app.app_context():
        once.claim("user:1", "abc")
        db.session.rollback()
        assert once.claim("user:1", "abc") is None


def test_ten_at_once_leave_one_claim(app: Flask) -> None:
    def press(_number: int) -> bool:
        with app.app_context():
            mine = once.claim("user:1", "abc") is None
            if mine:
                once.remember("user:1", "abc", status=303, answer="/t/1")
            db.session.commit()
            return mine

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(press, range(10))) == [False] * 9 + [True]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Claim)) == 1
