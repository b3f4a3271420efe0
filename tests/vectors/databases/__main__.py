"""`python -m tests.vectors.databases`: the database that this version makes, to be kept."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from ccp.app import create_app
from ccp.store.migrations import migrations
from tests.builders import BASE, NOW
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.vectors.databases import FOLDER, bodies


def main() -> None:
    """Put all contracts, choose a default, delete a contract, and write down what is there."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(make_settings(Path(folder)), clock=lambda: NOW)
        signed = f"{BASE}/signedcontractdata"
        with conforming_client(app) as client:
            for body in bodies()["puts"] + bodies()["puts of ISO 15118-20"]:
                assert client.put(signed, json=body).status_code == 201
            default = f"{signed}/DEICEC00000002/WAUZZZ4B0CC012345/setdefault"
            assert client.post(default).status_code == 200
            assert client.delete(f"{signed}/DEICEC00000009").status_code == 200
        with closing(sqlite3.connect(f"{folder}/ccp.db")) as database:
            step = max(step.name for step in migrations.applied(Database(database)))
            text = "\n".join(database.iterdump())
    (FOLDER / f"{step[:4]}.sql").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
