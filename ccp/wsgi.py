"""The pool that gunicorn serves, made as the environment says."""

import sys

from ccp.app import create_app
from ccp.config.settings import SettingsInvalid, server_settings
from ccp.store import StoreUnusable

try:
    app = create_app(server_settings())
except (SettingsInvalid, StoreUnusable) as error:
    sys.exit(f"The pool cannot start.\n{error}")
