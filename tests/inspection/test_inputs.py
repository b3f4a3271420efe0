"""What somebody has at hand: the message in it is found, or it is told why there is none."""

import base64
import json
from base64 import b64encode, encodebytes, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccp.inspection import NoMessage, read_messages
from ccp.inspection.inputs import MOST_BYTES
from tests.builders import post_body, put_body
from tests.vectors import FOLDER, genuine_res

EXI = genuine_res()
ODD = EXI[:-1]  # its length makes base64 end in padding


def field(body: dict[str, str]) -> bytes:
    """The message in the body of a request."""
    (text,) = (value for name, value in body.items() if name.startswith("certificate"))
    return base64.b64decode(text)


@pytest.mark.parametrize("exi", [EXI, ODD])
def test_exi_and_base64_are_one_message(exi: bytes) -> None:
    """Of either alphabet, in lines, with a byte order mark, with padding or without it."""
    text = b64encode(exi)
    assert set(b"+/") <= set(text)  # so that the alphabets differ
    for data in (
        exi,
        text,
        text.rstrip(b"="),
        b"\n  " + text + b"\r\n",
        encodebytes(exi),
        encodebytes(exi).replace(b"\n", b"\r\n  "),
        urlsafe_b64encode(exi),
        urlsafe_b64encode(exi).rstrip(b"="),
        b"\xef\xbb\xbf" + text,
        b'"' + text + b'"',
    ):
        assert read_messages(data) == [exi]


def test_json_of_the_api_has_its_messages() -> None:
    """The bodies of PUT and POST, and answers with several messages, in their order."""
    put, post = put_body(), post_body()
    assert read_messages(json.dumps(put, indent=2).encode()) == [field(put)]
    assert read_messages(json.dumps(post).encode()) == [field(post)]
    bodies = [put_body() for _ in range(3)]
    answer = {"signedContractDataCollection": bodies, "metadata": "é"}
    assert read_messages(json.dumps(answer, ensure_ascii=False).encode()) == list(
        map(field, bodies)
    )
    contents = [{"messageDef": body, "emaid": "x"} for body in bodies]
    opcp = {"CCPResponse": {"emaidContent": contents}}
    assert read_messages(json.dumps(opcp).encode()) == list(map(field, bodies))


def test_the_published_documents_have_one_message() -> None:
    """As CharIN's documentation has it, and as the README's tour puts it in."""
    for path in (FOLDER / "opnc-signed-contract-data.json", FOLDER / "tour" / "put.json"):
        assert read_messages(Path(path).read_bytes()) == [EXI]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "no certificateInstallationReq or certificateInstallationRes"),
        (b'{"certificateInstallationRes": 7}', "no certificateInstallationReq"),
        (b'{"errorMessages": []}', "no certificateInstallationReq"),
        (b"{", "begins as JSON does"),
        (b"[" * 100_000, "begins as JSON does"),
        (b'{"certificateInstallationRes": "???"}', "neither EXI, base64 nor JSON"),
        (b"gJg?", "neither EXI, base64 nor JSON"),
        (urlsafe_b64encode(EXI)[:-4] + b"+/+/", "neither EXI, base64 nor JSON"),  # both alphabets
        (b"certificate!", "neither EXI, base64 nor JSON"),
        (bytes(MOST_BYTES + 1), "larger than 256 KiB"),
    ],
)
def test_where_there_is_none_it_is_told_why(data: bytes, words: str) -> None:
    """In one clause."""
    with pytest.raises(NoMessage, match=words):
        read_messages(data)


@pytest.mark.parametrize("data", [b"", b"<a/>", b"$EXI\x80", b"\xa0\0\0", b"\x80"])
def test_what_others_can_name_is_left_to_them(data: bytes) -> None:
    """That it is XML, or empty, or EXI of another kind, decoding says."""
    assert read_messages(data) == [data]


@given(st.binary() | st.text().map(str.encode) | st.from_regex(rb'[\["{\s]*[A-Za-z0-9+/_=-]*'))
@example(json.dumps({"a": [[{"certificateInstallationReq": ""}]] * 9}).encode())
def test_any_bytes_have_a_message_or_none(data: bytes) -> None:
    """Nothing crashes."""
    with suppress(NoMessage):
        assert read_messages(data)
