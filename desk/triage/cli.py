"""The command that makes the model of triage."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from desk.triage import model


@click.group("triage")
def triage() -> None:
    """Make the model by which messages are judged."""


@triage.command("train")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    default=model.FILE,
    show_default=False,
    help="Where the model is written; where it is shipped unless given.",
)
@with_appcontext
def train(files: tuple[Path, ...], to: Path) -> None:
    """Learn from labelled texts, one JSON object a line, and the texts that come with Klinke."""
    texts = model.own_texts()
    for file in files:
        try:
            texts += model.labelled(file.read_text(encoding="utf-8").splitlines())
        except (ValueError, KeyError) as error:
            message = f"{file} is not what can be learnt from: {error}"
            raise click.ClickException(message) from None
    learnt = model.train(texts)
    model.write(learnt, to)
    click.echo(
        f"Learnt from {len(texts)} texts by {len(learnt.names)} signs; the model is {to.stat().st_size:,} bytes."
    )
