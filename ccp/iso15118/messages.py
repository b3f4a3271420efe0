"""A message of either edition: its header, its body, and where in its bytes they were found."""

from dataclasses import dataclass, field

from ccp.iso15118 import iso2, iso20

Header = iso2.Header | iso20.Header
Body = (
    iso2.CertificateInstallationReq
    | iso2.CertificateInstallationRes
    | iso20.CertificateInstallationReq
    | iso20.CertificateInstallationRes
)


@dataclass(slots=True)
class Message:
    """
    A V2G_Message of ISO 15118-2, or a message of ISO 15118-20, which has its header in its body.

    *spans* tells where decoding found the elements that can be signed, by name: their first bit
    and end, for ``cut_fragment``; and the values that ``with_value`` can overwrite. It is empty
    in a message made by hand, and no part of equality.
    """

    header: Header
    body: Body
    spans: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
