"""The command that makes the model of the linter."""

from importlib.util import find_spec
from pathlib import Path

import click

from desk.lint import learnt, training


@click.group("lint")
def lint() -> None:
    """Make the model by which drafts are read."""


@lint.command("train")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    default=learnt.FILE,
    show_default=False,
    help="Where the model is written; where it is shipped unless given.",
)
def train(files: tuple[Path, ...], to: Path) -> None:
    """Learn from the invented drafts that come with Klinke, and labelled ones, one JSON object a line."""
    if find_spec("sklearn") is None:
        message = "Learning needs scikit-learn, which is in requirements-dev.txt and not installed here."
        raise click.ClickException(message)
    given = []
    for file in files:
        try:
            given += training.given(file.read_text(encoding="utf-8").splitlines())
        except (ValueError, KeyError, TypeError) as error:
            message = f"{file} is not what can be learnt from: {error}"
            raise click.ClickException(message) from None
    invented = training.invented(held=False)
    training.write(training.train(invented, given), to)
    click.echo(
        f"Learnt from {len(invented)} invented drafts and {len(given)} given ones; the model is"
        f" {to.stat().st_size:,} bytes."
    )
