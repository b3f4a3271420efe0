"""The configuration that plain `gunicorn wsgi:app` loads; see `ccp.server.gunicorn_config`."""

from ccp.server.gunicorn_config import *  # noqa: F403
