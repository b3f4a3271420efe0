"""The facade for OPCP as a CSMS meets it: real gunicorn, real HTTP, a new base URL."""

import base64
from datetime import UTC, datetime

from ccp.iso15118 import decode
from tests.builders import PCID_TEXT, VALID_TODAY, b64, installation_req, installation_res
from tests.issuer import bearer, ec_key, jwt_settings
from tests.running import serving

NOW = datetime.now(UTC).replace(microsecond=0)
URL = "/v1/ccp/signedContractData"
NAMESPACE = "urn:iso:15118:2:2013:MsgDef"
EMAID = "DE-ICE-CFACADE01"


def test_a_csms_changes_its_base_url_and_nothing_else(tmp_path):
    """A contract's life, asked for as real clients do: what comes is 200, JSON, and for the car."""
    headers = bearer(ec_key().token(at=NOW)) | {
        "x-api-key": "somebody's",
        "Content-Type": "application/json",
    }
    request = {
        "certificateInstallationReq": b64(installation_req(**VALID_TODAY)),
        "xsdMsgDefNamespace": NAMESPACE,
    }
    contract = {
        "signedContractDataXML": b64(installation_res(EMAID.replace("-", ""), **VALID_TODAY)),
        "emaid": EMAID,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": NAMESPACE,
    }
    settings = jwt_settings(tmp_path, ec_key())
    with serving(tmp_path, workers=1, **settings) as server, server.client() as client:
        client.headers = headers
        assert client.put(URL, json=contract).json() == {}
        default = f"{URL}/{PCID_TEXT}/{EMAID}/default"
        assert client.post(default).json() == client.put(default).json() == {}

        answer = client.post(URL, json=request)
        assert answer.status_code == 200
        item = answer.json()["CCPResponse"]["emaidContent"][0]["messageDef"]
        message = decode(base64.b64decode(item["certificateInstallationRes"]))
        assert message.body.emaid.value == item["emaid"] == "DEICECFACADE01"
        assert message.header.session_id == bytes.fromhex("2A3DC6D75411F647")

        assert len(client.get(f"{URL}/{PCID_TEXT}").json()["XMLContracts"]) == 1
        deleted = client.delete(f"{URL}/{EMAID}")
        assert (deleted.status_code, deleted.json()) == (200, {})

        answer = client.post(URL, json=request)
        assert (answer.status_code, bool(answer.json()["errorMessages"])) == (404, True)
        item = answer.json()["CCPResponse"]["emaidContent"][-1]["messageDef"]
        message = decode(base64.b64decode(item["certificateInstallationRes"]))
        assert message.body.response_code == "FAILED_NoCertificateAvailable"
        assert message.header.session_id == bytes.fromhex("2A3DC6D75411F647")
