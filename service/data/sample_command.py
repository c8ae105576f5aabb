"""`bandit-serve sample`."""

import click

from service.data.options import failures, output_to
from service.data.sample_catalogue import generate

__all__ = ["sample"]


@click.command()
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--rows", type=click.IntRange(min=0), default=100_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def sample(file: str, rows: int, seed: int) -> None:
    """Write a made-up catalogue of arms as CSV, with columns id, successes and trials.

    Many arms have next to no trials and a few have millions, as in real catalogues. The same seed
    gives the same file, as long as the version of NumPy is the same.
    """
    catalogue = generate(rows, seed)
    columns = (catalogue.ids, catalogue.successes.tolist(), catalogue.trials.tolist())
    lines = (f"{name},{won},{tried}\n" for name, won, tried in zip(*columns, strict=True))
    with failures(), output_to(file) as output:
        output.write(b"id,successes,trials\n")
        output.writelines(map(str.encode, lines))
    click.echo(f"{rows:,} arms written to {file}", err=True)
