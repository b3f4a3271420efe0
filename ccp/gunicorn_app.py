"""`python -m ccp.gunicorn_app`: gunicorn as `ccp serve` starts it, in any working folder."""

import os

from gunicorn.app.wsgiapp import WSGIApplication


class Gunicorn(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn that imports nothing from the working folder."""

    def chdir(self) -> None:
        """Change to the folder of --chdir, without importing from it: it may have a folder ccp."""
        os.chdir(self.cfg.chdir)


if __name__ == "__main__":
    Gunicorn("%(prog)s [OPTIONS] [APP_MODULE]", prog="ccp serve").run()
