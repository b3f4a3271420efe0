"""Which eMSP roots may issue contracts of which providers."""

from pathlib import Path

import pytest

from ccp.domain.errors import CertificateChainBroken
from ccp.pki.certificates import read_certificate
from ccp.trust.folder import load_trust
from ccp.trust.provider_table import ProviderTable, ProviderTableInvalid, load_provider_table
from ccp.workshop.pki import fingerprint
from tests.builders import NOW
from tests.trusted import pki, trust_folder

EMSP = pki().emsp
ROOT = fingerprint(EMSP.root)
SUB_2 = fingerprint(EMSP.sub_2)
ABOVE = [read_certificate(one.der, "CA") for one in (EMSP.sub_2, EMSP.sub_1, EMSP.root)]
OTHER = "0" * 64
KEY = "a" * 64


def table(**providers: list[str]) -> ProviderTable:
    """A table of the root, sub-CA 2 and another root, by these names."""
    names = {"root": ROOT, "sub_2": SUB_2, "other": OTHER}
    return ProviderTable({names[name]: frozenset(ids) for name, ids in providers.items()})


ALLOWED = [
    table(),
    table(root=["DEABC"]),
    table(root=["DEABC", "DEXYZ"], other=["DEXYZ"]),
    table(root=["DEABC"], other=["DEABC"]),  # two roots of one provider
    table(other=["DEXYZ"]),  # neither is in the table
    table(sub_2=["DEABC"]),
    table(root=["DEABC", "DEXYZ"], sub_2=["DEABC"]),
]
FOREIGN_PROVIDER = [
    table(root=["DEXYZ"]),
    table(root=[]),
    table(sub_2=["DEXYZ"]),
    table(root=["DEABC"], sub_2=["DEXYZ"]),
    table(root=["DEXYZ"], other=["DEABC"]),
]


@pytest.mark.parametrize("allowed", ALLOWED)
def test_require_of_a_provider_that_the_ca_may_issue_returns(allowed: ProviderTable) -> None:
    allowed.require("DEABC", ABOVE)


@pytest.mark.parametrize("refusing", FOREIGN_PROVIDER)
def test_require_of_a_ca_of_other_providers_raises(refusing: ProviderTable) -> None:
    with pytest.raises(CertificateChainBroken, match=r"a CA that may not issue .* DEABC"):
        refusing.require("DEABC", ABOVE)


def test_require_of_a_provider_of_other_roots_raises() -> None:
    with pytest.raises(CertificateChainBroken, match=r"not issued under a CA that may .* DEABC"):
        table(other=["DEABC"]).require("DEABC", ABOVE)


def write(folder: Path, text: str) -> Path:
    """Write the file beside the anchors."""
    (folder / "emsp.toml").write_text(text)
    return folder


def test_load_without_a_file_binds_nothing(tmp_path: Path) -> None:
    assert load_provider_table(tmp_path).providers == {}
    assert load_provider_table(tmp_path / "nowhere").providers == {}


def test_load_reads_fingerprints_and_ids_in_any_spelling(tmp_path: Path) -> None:
    with_colons = ":".join(ROOT.upper()[n : n + 2] for n in range(0, 64, 2))
    text = f'# ours\n"{with_colons}" = ["de-abc", "DE*XYZ"]\n{OTHER} = []\n'
    assert load_provider_table(write(tmp_path, text)) == table(root=["DEABC", "DEXYZ"], other=[])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("=", "is not TOML"),
        ('"abc" = ["DEABC"]', "'abc' is not the SHA-256 fingerprint"),
        (f'{KEY} = "DEABC"', "has to have a list of provider ids"),
        (f'{KEY} = ["DEAB"]', "has 'DEAB', which is not a provider id"),
        (f'{KEY} = ["DEABCD"]', "has 'DEABCD', which"),
        (f'{KEY} = ["D1ABC"]', "has 'D1ABC', which"),
        (f'{KEY} = ["DEAB\\n"]', "which is not a provider id"),
        (f"{KEY} = [5]", "has 5, which"),
        (f'[{KEY}]\nx = ["DEABC"]', "has to have a list"),
        (f'{KEY} = ["DEABC"]\n"{KEY.upper()}" = ["DEXYZ"]', "is there twice"),
    ],
)
def test_load_of_something_else_raises_and_names_file_and_entry(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(ProviderTableInvalid) as raised:
        load_provider_table(write(tmp_path, text))
    assert str(raised.value).startswith(str(tmp_path / "emsp.toml"))
    assert problem in str(raised.value)


def test_load_names_all_problems(tmp_path: Path) -> None:
    with pytest.raises(ProviderTableInvalid) as raised:
        load_provider_table(write(tmp_path, f'abc = []\n{ROOT} = ["x"]\n'))
    assert len(str(raised.value).splitlines()) == 2


def test_load_of_a_file_that_cannot_be_read_raises(tmp_path: Path) -> None:
    """A folder, a link that leads nowhere, and text that is not UTF-8."""
    path = tmp_path / "emsp.toml"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ProviderTableInvalid, match="cannot be read"):
        load_provider_table(tmp_path)
    path.unlink()
    path.write_bytes(b"# \xff")
    with pytest.raises(ProviderTableInvalid, match="is not TOML"):
        load_provider_table(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ProviderTableInvalid, match="cannot be read"):
        load_provider_table(tmp_path)


def test_warnings_name_unknown_fingerprints_and_free_anchors(tmp_path: Path) -> None:
    """A V2G root is an anchor of contracts too, and need not be in the table."""
    trust = load_trust(trust_folder(tmp_path / "pki"), at=NOW)
    v2g = fingerprint(pki().v2g_root("A"))

    def warned(*cas: str) -> list[str]:
        return list(ProviderTable(dict.fromkeys(cas, frozenset())).warnings(trust))

    assert warned() == warned(ROOT) == warned(ROOT, v2g) == []
    (unknown,) = warned(ROOT, SUB_2)
    assert SUB_2 in unknown
    free, other = sorted(warned(OTHER), key=lambda text: OTHER in text)
    assert ROOT in free
    assert OTHER in other
