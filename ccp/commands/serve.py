"""`ccp serve`: the pool, as `make run` serves it, wherever it is installed."""

import os
import sys

import click

_GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "python:ccp.serving")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("gunicorn_options", nargs=-1, type=click.UNPROCESSED)
def serve(gunicorn_options: tuple[str, ...]) -> None:
    """
    Serve the pool on CCP_HOST:CCP_PORT until Ctrl-C.

    The settings are the variables CCP_… of the environment, and those of a file .env in the working
    folder. What else is said goes to gunicorn, which takes the place of this command: SIGTERM
    ends it, SIGHUP makes it read certificates, keys and trust anchors anew. Behind a proxy for one:

    \b
      ccp serve --bind unix:/run/ccp/pool.sock
    """
    sys.stdout.flush()
    os.execv(sys.executable, [*_GUNICORN, *gunicorn_options, "ccp.wsgi:app"])  # noqa: S606
