"""Show what the messages say that a pool has answered: session id, response code, EMAID."""

import base64
import json
import sys
from pathlib import Path

from ccp.iso15118 import decode

for name in sys.argv[1:]:
    for item in json.loads(Path(name).read_text())["signedContractDataCollection"]:
        message = decode(base64.b64decode(item["certificateInstallationRes"]))
        res = message.body
        print(
            f"{name}: session {message.header.session_id.hex()}", res.response_code, res.emaid.value
        )
