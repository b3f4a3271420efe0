"""Who counts as a CPS: by the names in the signer's chain."""

import pytest

from ccp.domain.errors import CertificateChainBroken
from ccp.messages import decode_installation_res
from ccp.pki.certificates import Certificate, read_certificate, read_chain
from ccp.pki.signers import require_cps
from tests.builders import certificate
from tests.trusted import pki
from tests.vectors import genuine_res

_ISSUER = "CN=Sub 2,O=Test"


def leaf(subject: str, issuer: str = _ISSUER) -> Certificate:
    """A signer's certificate; names are RFC 4514 texts."""
    return read_certificate(certificate(subject, issuer), "CPS certificate")


ACCEPTED = [
    "CN=Signer,O=Test",
    "CN=Signer,O=Test,DC=CPS",
    "CN=Signer,O=Test,DC=cps",
    "CN=Signer,O=Test,DC=example,DC=com",
    "CN=CPS 2024.4 QA,O=Test",
    "O=Test",
    "CN=CertificateProvisioningService,DC=CPS",  # spelled like an EMAID, and says that it is a CPS
]
OTHER_DOMAINS = ["CPO", "MO", "OEM", "cpo", "Mo", "CPO\\ ", "\\ EMSP", "EMSP", "emp", "msp", "SECC"]
OTHER_NAMES = [
    "DEICECOPNCCERT",
    "DE-ICE-COPNCCERT-X",
    "deabc000000001",
    "\\ DEICECOPNCCERT\\ ",
    "DE*ABC*E0001",
    "DEABCE1",
    "de*abc*e1*2",
    r"\+49*810*000*438",
]


@pytest.mark.parametrize("subject", ACCEPTED)
def test_require_cps_without_another_role_accepts(subject: str) -> None:
    require_cps([leaf(subject)])


@pytest.mark.parametrize("domain", OTHER_DOMAINS)
@pytest.mark.parametrize("more", ["", ",DC=CPS"])
def test_require_cps_with_the_domain_component_of_another_role_raises(
    domain: str, more: str
) -> None:
    """In any case, with spaces around it, and beside one that says CPS."""
    with pytest.raises(
        CertificateChainBroken, match=r"not that of a CPS\. Its domain component is"
    ):
        require_cps([leaf(f"CN=Signer,O=Test,DC={domain}{more}")])


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_require_cps_with_the_name_of_a_contract_or_station_raises(name: str) -> None:
    """Also where the certificate has several common names."""
    for subject in (f"CN={name}", f"CN={name},O=Test,DC=V2G", f"CN=CPS,CN={name}"):
        with pytest.raises(CertificateChainBroken, match=r"Its common name .* is an E"):
            require_cps([leaf(subject)])


@pytest.mark.parametrize("domain", ["MO", "cpo", "OEM\\ "])
def test_require_cps_with_an_issuer_of_another_role_raises(domain: str) -> None:
    """The issuer need not be in the message; a CA above it is looked at where it is."""
    issuer = f"CN=Sub 2,O=Test,DC={domain}"
    sub_2 = read_certificate(certificate(_ISSUER, "CN=Sub 1"), "sub-CA")
    sub_1 = read_certificate(certificate(f"CN=Sub 1,DC={domain}", "CN=Root"), "sub-CA")
    for chain in ([leaf("CN=CPS,DC=CPS", issuer)], [leaf("CN=CPS,DC=CPS"), sub_1, sub_2]):
        with pytest.raises(CertificateChainBroken, match="A CA that issued it has the domain"):
            require_cps(chain)
    require_cps([leaf("CN=CPS,DC=CPS", "CN=Sub 2,DC=V2G"), sub_2])


def test_require_cps_with_allow_list_accepts_only_dc_cps() -> None:
    for subject in ACCEPTED:
        chain = [leaf(subject)]
        if "DC=cps" in subject or "DC=CPS" in subject:
            require_cps(chain, allow_list=True)
        else:
            with pytest.raises(CertificateChainBroken, match="only signers with the domain"):
                require_cps(chain, allow_list=True)


def test_require_cps_accepts_the_published_signer_and_the_workshop_s() -> None:
    for allow_list in (False, True):
        published = decode_installation_res(genuine_res()).cps_chain
        require_cps(read_chain(published, "CPS certificate"), allow_list=allow_list)
        chain = pki().cps["A"].der()
        ders = [chain.leaf, *chain.sub_cas]
        require_cps(read_chain(ders, "CPS certificate"), allow_list=allow_list)
