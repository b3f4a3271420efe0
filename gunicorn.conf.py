"""For plain `gunicorn wsgi:app`, which looks for it; what there is to it is in `ccp.serving`."""

from ccp.serving import *  # noqa: F403
