"""What gunicorn serves: `gunicorn wsgi:app`."""

import os
import sys

from ccp.app import create_app
from ccp.settings import SettingsInvalid, load_settings
from ccp.store import StoreUnusable

try:
    app = create_app(load_settings(os.environ))
except (SettingsInvalid, StoreUnusable) as error:
    sys.exit(f"The pool cannot start.\n{error}")
