"""Who may do what at the desk is one table, and the doors are as it says."""

from collections.abc import Callable
from typing import Any

import pytest

from desk import rights
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
CAST = {"agent": "dora", "lead": "lena", "moderator": "ada", "editor": "emil", "admin": "root"}


def test_the_doors_are_as_the_table_says(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: [world.everybody(), world.lena])
    with browser_of("root").application.app_context():
        lines = list(rights.table())
    tried = 0
    for place, role in enumerate(rights.ROLES):
        reader = browser_of(CAST[role])
        for right, line in zip(rights.RIGHTS, lines, strict=True):
            if right.tried_at:
                tried += 1
                status = reader.get(right.tried_at).status_code
                assert (status == 200) is line.lets[place], f"{role}: {right.tried_at} answers {status}"
                assert status in {200, 403}
    assert tried >= 5 * 10


def test_a_lead_is_an_agent_and_no_admin(world: World) -> None:
    made = world.person("lea", "lead")
    assert {"agent", "lead"} <= made.role_names
    assert not made.has_role("admin")
    assert made.is_team


@pytest.mark.parametrize("role", ["agent", "moderator", "editor"])
def test_the_page_is_for_leads_and_admins(role: str, stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: [world.everybody(), world.lena])
    assert browser_of(CAST[role]).get("/admin/desk-roles").status_code == 403
    page = browser_of("lena").get("/admin/desk-roles")
    assert page.status_code == 200
    assert "/admin/desk-roles" in browser_of("lena").get("/admin").text
