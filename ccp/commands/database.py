"""The pool's database, for commands; what is wrong with it is told in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ccp.settings import SettingsInvalid, server_settings
from ccp.store import StoreUnusable


@contextmanager
def pool_database(other: Path | None = None) -> Iterator[Path]:
    """
    Give the path of the database of CCP_DATABASE_URL.

    Args:
        other: Given in its place; then no setting is looked at.
    Raises:
        ClickException: The settings are wrong, or the block finds that a database cannot be used.
    """
    try:
        yield other or server_settings().database_path
    except (SettingsInvalid, StoreUnusable) as error:
        raise click.ClickException(str(error)) from None
