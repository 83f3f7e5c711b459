"""The commands `flask users` and `flask token`."""

from flask import Flask

from accounts import passwords, people, tokens
from tests.conftest import Browser


def test_a_created_user_signs_in_with_the_printed_password(app: Flask, guest: Browser) -> None:
    outcome = app.test_cli_runner().invoke(
        args=["users", "create", "ruth", "--email", "ruth@example.org", "--role", "admin", "--role", "editor"]
    )
    assert outcome.exit_code == 0, outcome.output
    password = outcome.output.splitlines()[-1]
    with app.app_context():
        ruth = people.by_handle("ruth")
        assert ruth is not None
        assert ruth.role_names == {"member", "admin", "editor"}
        assert ruth.email == "ruth@example.org"
        assert passwords.fits(ruth.password_hash, password)
    assert guest.post("/sign-in", data={"handle": "ruth", "password": password}).status_code == 303
    assert guest.get("/admin").status_code == 200


def test_a_wrong_user_is_told_in_a_sentence(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["users", "create", "ruth", "--email", "ruth@example.org"])
    for args, words in (
        (["ruth"], "taken"),
        (["Ruth", "--email", "other@example.org"], "taken"),
        (["other", "--email", "RUTH@example.org"], "already"),
        (["x"], "3 to 30"),
        (["other", "--email", "nonsense"], "does not look like"),
        (["other", "--role", "emperor"], "emperor"),
    ):
        outcome = runner.invoke(args=["users", "create", *args])
        assert outcome.exit_code != 0, args
        assert words in outcome.output, args


def test_the_list_shows_everybody(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["users", "create", "ruth", "--email", "ruth@example.org", "--role", "admin"])
    outcome = runner.invoke(args=["users", "list"])
    assert outcome.exit_code == 0
    assert "ruth\tmember,admin\truth@example.org\topen" in outcome.output


def test_a_token_is_printed_on_a_line_of_its_own(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["users", "create", "ruth"])
    outcome = runner.invoke(args=["token", "create", "ruth", "--scopes", "all"])
    assert outcome.exit_code == 0
    (plain,) = [line for line in outcome.output.splitlines() if line.startswith(tokens.PREFIX)]
    with app.app_context():
        found = tokens.find(plain)
        assert found is not None
        assert found.scopes == ["all"]


def test_scopes_are_separated_by_commas_or_blanks(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["users", "create", "ruth"])
    for scopes in ("write,read", "read write", "read, write"):
        outcome = runner.invoke(args=["token", "create", "ruth", "--scopes", scopes, "--name", "both"])
        with app.app_context():
            found = tokens.find(outcome.output.splitlines()[-1])
            assert found is not None
            assert (found.scopes, found.name) == (["read", "write"], "both")


def test_no_token_for_nobody_or_for_nothing(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["users", "create", "ruth"])
    for args, words in (
        (["nobody", "--scopes", "all"], "Nobody is called"),
        (["ruth", "--scopes", "everything"], "everything"),
        (["ruth", "--scopes", ","], "choose"),
        (["ruth"], "--scopes"),
    ):
        outcome = runner.invoke(args=["token", "create", *args])
        assert outcome.exit_code != 0, args
        assert words in outcome.output, args
