"""
Messages as XML, written from the XSDs by hand: what the codec's schema is not asked about.

XML is what EXIficient reads and writes, so that both codecs can be compared.
"""

from base64 import b64encode
from xml.etree.ElementTree import Element, SubElement, canonicalize, tostring

from ccp.iso15118 import (
    Message,
    Signature,
    SignedInfo,
    iso2,
)

DEF = "{urn:iso:15118:2:2013:MsgDef}"
HEADER = "{urn:iso:15118:2:2013:MsgHeader}"
BODY = "{urn:iso:15118:2:2013:MsgBody}"
TYPES = "{urn:iso:15118:2:2013:MsgDataTypes}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


def message_xml(message: Message) -> str:
    """The whole V2G_Message."""
    root = Element(f"{DEF}V2G_Message")
    _header(SubElement(root, f"{DEF}Header"), message.header)
    parent = SubElement(root, f"{DEF}Body")
    if isinstance(message.body, iso2.CertificateInstallationReq):
        _req(parent, message.body)
    else:
        _res(parent, message.body)
    return tostring(root, "unicode")


def element_xml(message: Message, name: str) -> str:
    """One of the elements that can be signed, alone."""
    root = Element("parent")
    if name == "SignedInfo":
        assert message.header.signature
        _signed_info(root, message.header.signature.signed_info)
    elif isinstance(message.body, iso2.CertificateInstallationReq):
        _req(root, message.body)
    else:
        _res(root, message.body)
    (element,) = root.iter(f"{DS if name == 'SignedInfo' else BODY}{name}")
    return tostring(element, "unicode")


def canonical(xml: str) -> str:
    """*xml* so that equal documents are equal texts, whatever their prefixes."""
    return canonicalize(xml, rewrite_prefixes=True)


def _header(parent: Element, header: iso2.Header) -> None:
    _text(parent, f"{HEADER}SessionID", header.session_id.hex().upper())
    if header.notification:
        notification = SubElement(parent, f"{HEADER}Notification")
        _text(notification, f"{TYPES}FaultCode", header.notification.fault_code)
        if header.notification.fault_msg is not None:
            _text(notification, f"{TYPES}FaultMsg", header.notification.fault_msg)
    if header.signature:
        _signature(parent, header.signature)


def _signature(parent: Element, signature: Signature) -> None:
    element = SubElement(parent, f"{DS}Signature", _present(Id=signature.id))
    _signed_info(element, signature.signed_info)
    value = signature.signature_value
    _text(element, f"{DS}SignatureValue", _base64(value.value), **_present(Id=value.id))


def _signed_info(parent: Element, signed_info: SignedInfo) -> None:
    element = SubElement(parent, f"{DS}SignedInfo", _present(Id=signed_info.id))
    SubElement(
        element, f"{DS}CanonicalizationMethod", Algorithm=signed_info.canonicalization_method
    )
    method = signed_info.signature_method
    child = SubElement(element, f"{DS}SignatureMethod", Algorithm=method.algorithm)
    if method.hmac_output_length is not None:
        _text(child, f"{DS}HMACOutputLength", str(method.hmac_output_length))
    for reference in signed_info.references:
        attributes = _present(Id=reference.id, Type=reference.type, URI=reference.uri)
        child = SubElement(element, f"{DS}Reference", attributes)
        if reference.transforms:
            transforms = SubElement(child, f"{DS}Transforms")
            for transform in reference.transforms:
                grandchild = SubElement(transforms, f"{DS}Transform", Algorithm=transform.algorithm)
                for xpath in transform.xpath:
                    _text(grandchild, f"{DS}XPath", xpath)
        SubElement(child, f"{DS}DigestMethod", Algorithm=reference.digest_method)
        _text(child, f"{DS}DigestValue", _base64(reference.digest_value))


def _req(parent: Element, req: iso2.CertificateInstallationReq) -> None:
    element = SubElement(parent, f"{BODY}CertificateInstallationReq", {f"{BODY}Id": req.id})
    _text(element, f"{BODY}OEMProvisioningCert", _base64(req.oem_provisioning_cert))
    roots = SubElement(element, f"{BODY}ListOfRootCertificateIDs")
    for root in req.list_of_root_certificate_ids:
        child = SubElement(roots, f"{TYPES}RootCertificateID")
        _text(child, f"{DS}X509IssuerName", root.x509_issuer_name)
        _text(child, f"{DS}X509SerialNumber", str(root.x509_serial_number))


def _res(parent: Element, res: iso2.CertificateInstallationRes) -> None:
    element = SubElement(parent, f"{BODY}CertificateInstallationRes")
    _text(element, f"{BODY}ResponseCode", res.response_code)
    for name, chain in (
        ("SAProvisioningCertificateChain", res.sa_provisioning_certificate_chain),
        ("ContractSignatureCertChain", res.contract_signature_cert_chain),
    ):
        _chain(element, f"{BODY}{name}", chain)
    key = res.contract_signature_encrypted_private_key
    _identified(element, f"{BODY}ContractSignatureEncryptedPrivateKey", key.id, _base64(key.value))
    _identified(element, f"{BODY}DHpublickey", res.dh_publickey.id, _base64(res.dh_publickey.value))
    emaid: iso2.EMAID = res.emaid
    _identified(element, f"{BODY}eMAID", emaid.id, emaid.value)


def _chain(parent: Element, name: str, chain: iso2.CertificateChain) -> None:
    attributes = {} if chain.id is None else {f"{TYPES}Id": chain.id}
    element = SubElement(parent, name, attributes)
    _text(element, f"{TYPES}Certificate", _base64(chain.certificate))
    if chain.sub_certificates:
        child = SubElement(element, f"{TYPES}SubCertificates")
        for certificate in chain.sub_certificates:
            _text(child, f"{TYPES}Certificate", _base64(certificate))


def _identified(parent: Element, name: str, id_: str, text: str) -> None:
    SubElement(parent, name, {f"{TYPES}Id": id_}).text = text


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _present(**attributes: str | None) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value is not None}


def _base64(value: bytes) -> str:
    return b64encode(value).decode()
