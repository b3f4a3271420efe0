"""`python -m ccp.server.gunicorn_app`: gunicorn as `ccp serve` starts it, in any working folder."""

import os
from argparse import ArgumentParser, Namespace

from gunicorn.app.wsgiapp import WSGIApplication


class Gunicorn(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn that imports nothing from the working folder."""

    def init(self, parser: ArgumentParser, opts: Namespace, args: list[str]) -> None:
        """Check that the command line has options alone; `ccp serve` adds the application."""
        if len(args) > 1:
            parser.error(f"{args[0]!r} is not an option; `ccp serve --help` lists them")
        super().init(parser, opts, args)

    def chdir(self) -> None:
        """Change to the folder of --chdir, without importing from it: it may have a folder ccp."""
        os.chdir(self.cfg.chdir)


if __name__ == "__main__":
    Gunicorn("%(prog)s [OPTIONS]", prog="ccp serve").run()
