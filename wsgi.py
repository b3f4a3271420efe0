"""What gunicorn serves: `gunicorn wsgi:app`."""

import os

from ccp.app import create_app
from ccp.settings import load_settings

app = create_app(load_settings(os.environ))
