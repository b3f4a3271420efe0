"""The pool's database, for commands; what is wrong with it is told in a sentence."""

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ccp.commands.quiet import warnings_to_stderr
from ccp.config.settings import SettingsInvalid, server_settings
from ccp.domain.errors import StoreBusy, StoreFailed, StoreFull, StoreUnreachable
from ccp.domain.origin import Origin
from ccp.store import Store, StoreUnusable
from ccp.store.migrations import steps_missing

PATIENCE_SECONDS = 10
"""So long a command waits for another writer."""


@contextmanager
def pool_database(other: Path | None = None, *, may_be_new: bool = False) -> Iterator[Path]:
    """
    Give the path of the database of CCP_DATABASE_URL.

    Args:
        other: Given in its place; then no setting is looked at.
        may_be_new: Whether the block can make the database.
    Raises:
        ClickException: The settings are wrong, there is no database, or the block finds that a
            database cannot be used.
    """
    with told_in_a_sentence(), warnings_to_stderr():
        path = other or server_settings().database_path
        if not may_be_new:
            require_database(path, "" if other else "; `ccp migrate` makes one")
        yield path


def require_database(path: Path, advice: str = "") -> None:
    """
    Check that a database is there.

    Args:
        advice: Added to the error message.
    Raises:
        ClickException: There is no file at *path*.
    """
    if not path.exists():
        raise click.ClickException(f"there is no database {path}{advice}")


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """
    Tell what is wrong with the settings or the database in a sentence.

    Raises:
        ClickException: Something is.
    """
    try:
        yield
    except (SettingsInvalid, StoreUnusable) as error:
        raise click.ClickException(str(error)) from None
    except (StoreBusy, StoreFull, StoreFailed, StoreUnreachable) as error:
        raise click.ClickException(error.message) from None


@contextmanager
def pool_store(*, may_be_new: bool = False) -> Iterator[Store]:
    """
    Give the store of that database, which has to be of this version.

    Args:
        may_be_new: Whether it is made where there is none.
    Raises:
        ClickException: See `pool_database`.
    """
    with pool_database(may_be_new=may_be_new) as path:
        if path.exists() and steps_missing(path):  # a pool that is running may be of that version
            raise StoreUnusable(
                f"{path} is of an older version; `ccp migrate` brings it up to date"
            )
        store = Store(
            path,
            busy_timeout_seconds=PATIENCE_SECONDS,
            most_contracts=server_settings().max_contracts_per_car,
        )
        with closing(store):
            yield store


def by_command(name: str) -> Origin:
    """Say in the audit trail which command wrote, and whose it was."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # as in a container, whose user may have no name
        user = "?"
    return Origin(at=datetime.now(UTC), subject=f"ccp {name} ({user})")
