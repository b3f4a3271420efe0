"""`ccp serve`: the pool, as `make run` serves it, wherever it is installed."""

import os
import sys

import click

_CONFIGURATION = "python:ccp.server.gunicorn_config"
_GUNICORN = (sys.executable, "-m", "ccp.server.gunicorn_app", "--config", _CONFIGURATION)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--host", metavar="ADDRESS", help="Listen on this address, whatever CCP_HOST says.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port, not CCP_PORT.")
@click.argument("gunicorn_options", nargs=-1, type=click.UNPROCESSED)
def serve(host: str | None, port: int | None, gunicorn_options: tuple[str, ...]) -> None:
    """
    Serve the pool on CCP_HOST:CCP_PORT until Ctrl-C.

    The settings are the variables CCP_… of the environment, and those of a file .env in the working
    folder. Other options go to gunicorn, which takes the place of this command: SIGTERM ends it,
    SIGHUP makes it read certificates, keys and trust anchors anew. Behind a proxy for one:

    \b
      ccp serve --bind unix:/run/ccp/pool.sock
    """
    if host is not None:
        os.environ["CCP_HOST"] = host
    if port is not None:
        os.environ["CCP_PORT"] = str(port)
    os.environ["PYTHONSAFEPATH"] = "1"  # the working folder may have a folder ccp of its own
    sys.stdout.flush()
    os.execv(sys.executable, [*_GUNICORN, *gunicorn_options, "ccp.wsgi:app"])  # noqa: S606
