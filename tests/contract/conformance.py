"""An answer against the spec: status, headers, media type and shape, judged apart from the server."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from connexion import FlaskApp
from httpx2 import Request, Response
from jsonschema import Draft4Validator, FormatChecker, RefResolver
from starlette.testclient import TestClient

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "spec" / "opnc-ccp.yaml").read_text()
)
BASE_PATH: str = SPEC["servers"][0]["url"]
