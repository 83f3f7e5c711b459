"""An import shares the database with everybody else."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import User
from core import transfer
from core.db import db


def test_an_import_commits_after_a_moment_so_that_others_can_write_too(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.jsonl"
    lines = [{"type": "user", "id": f"u{number}", "handle": f"person-{number}"} for number in range(3)]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    monkeypatch.setattr(transfer, "LONGEST_HOLD_SECONDS", 0)
    seen: set[int] = set()

    def look(_lines: int) -> None:
        with db.engine.connect() as other:  # on SQLite this takes the lock that writers take
            seen.add(other.execute(select(func.count()).select_from(User)).scalar_one())

    with app.app_context():
        assert transfer.read_jsonl(path, progress=look).count("new") == 3
    assert seen == {0, 1, 2, 3}
