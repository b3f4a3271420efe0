"""
Messages as XML, written from the XSDs by hand: what the codec's schema is not asked about.

XML is what EXIficient reads and writes, so that both codecs can be compared.
"""

from base64 import b64encode
from xml.etree.ElementTree import Element, SubElement, canonicalize, tostring

from ccp.iso15118 import Message, RootCertificateID, Signature, SignedInfo, iso2, iso20

DEF = "{urn:iso:15118:2:2013:MsgDef}"
HEADER = "{urn:iso:15118:2:2013:MsgHeader}"
BODY = "{urn:iso:15118:2:2013:MsgBody}"
TYPES = "{urn:iso:15118:2:2013:MsgDataTypes}"
MESSAGES20 = "{urn:iso:std:iso:15118:-20:CommonMessages}"
TYPES20 = "{urn:iso:std:iso:15118:-20:CommonTypes}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


def message_xml(message: Message) -> str:
    """The whole message."""
    return tostring(_root(message), "unicode")


def element_xml(message: Message, name: str) -> str:
    """One of the elements that can be signed, alone."""
    element = _root(message).find(f".//{{*}}{name}")
    assert element is not None
    return tostring(element, "unicode")


def canonical(xml: str) -> str:
    """*xml* so that equal documents are equal texts, whatever their prefixes."""
    return canonicalize(xml, rewrite_prefixes=True)


def _root(message: Message) -> Element:
    match message.body:
        case iso2.CertificateInstallationReq():
            root = _iso2_root(message)
            _req(root[1], message.body)
        case iso2.CertificateInstallationRes():
            root = _iso2_root(message)
            _res(root[1], message.body)
        case iso20.CertificateInstallationReq():
            root = _iso20_root(message)
            _req20(root, message.body)
        case iso20.CertificateInstallationRes():
            root = _iso20_root(message)
            _res20(root, message.body)
    return root


def _iso2_root(message: Message) -> Element:
    """A V2G_Message whose Body is empty yet."""
    assert isinstance(message.header, iso2.Header)
    root = Element(f"{DEF}V2G_Message")
    _header(SubElement(root, f"{DEF}Header"), message.header)
    SubElement(root, f"{DEF}Body")
    return root


def _iso20_root(message: Message) -> Element:
    """A message that has but a Header yet."""
    header = message.header
    assert isinstance(header, iso20.Header)
    root = Element(f"{MESSAGES20}{type(message.body).__name__}")
    element = SubElement(root, f"{TYPES20}Header")
    _text(element, f"{TYPES20}SessionID", header.session_id.hex().upper())
    _text(element, f"{TYPES20}TimeStamp", str(header.time_stamp))
    if header.signature:
        _signature(element, header.signature)
    return root


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
    _roots(element, BODY, TYPES, req.list_of_root_certificate_ids)


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
    _identified(element, f"{BODY}eMAID", res.emaid.id, res.emaid.value)


def _chain(parent: Element, name: str, chain: iso2.CertificateChain) -> None:
    attributes = {} if chain.id is None else {f"{TYPES}Id": chain.id}
    element = SubElement(parent, name, attributes)
    _text(element, f"{TYPES}Certificate", _base64(chain.certificate))
    _sub_certificates(element, TYPES, chain.sub_certificates)


def _req20(parent: Element, req: iso20.CertificateInstallationReq) -> None:
    chain = req.oem_provisioning_certificate_chain
    _chain20(parent, "OEMProvisioningCertificateChain", chain, {f"{MESSAGES20}Id": chain.id})
    _roots(parent, MESSAGES20, TYPES20, req.list_of_root_certificate_ids)
    most = str(req.maximum_contract_certificate_chains)
    _text(parent, f"{MESSAGES20}MaximumContractCertificateChains", most)
    if req.prioritized_emaids:
        emaids = SubElement(parent, f"{MESSAGES20}PrioritizedEMAIDs")
        for emaid in req.prioritized_emaids:
            _text(emaids, f"{MESSAGES20}EMAID", emaid)


def _res20(parent: Element, res: iso20.CertificateInstallationRes) -> None:
    _text(parent, f"{TYPES20}ResponseCode", res.response_code)
    _text(parent, f"{MESSAGES20}EVSEProcessing", res.evse_processing)
    _chain20(parent, "CPSCertificateChain", res.cps_certificate_chain, {})
    data = res.signed_installation_data
    element = SubElement(
        parent, f"{MESSAGES20}SignedInstallationData", {f"{MESSAGES20}Id": data.id}
    )
    _chain20(element, "ContractCertificateChain", data.contract_certificate_chain, {})
    _text(element, f"{MESSAGES20}ECDHCurve", data.ecdh_curve)
    _text(element, f"{MESSAGES20}DHPublicKey", _base64(data.dh_public_key))
    for name, key in (
        ("SECP521", data.secp521_encrypted_private_key),
        ("X448", data.x448_encrypted_private_key),
        ("TPM", data.tpm_encrypted_private_key),
    ):
        if key is not None:
            _text(element, f"{MESSAGES20}{name}_EncryptedPrivateKey", _base64(key))
    remaining = str(res.remaining_contract_certificate_chains)
    _text(parent, f"{MESSAGES20}RemainingContractCertificateChains", remaining)


def _chain20(
    parent: Element,
    name: str,
    chain: iso20.CertificateChain | iso20.SignedCertificateChain,
    attributes: dict[str, str],
) -> None:
    element = SubElement(parent, f"{MESSAGES20}{name}", attributes)
    _text(element, f"{MESSAGES20}Certificate", _base64(chain.certificate))
    _sub_certificates(element, MESSAGES20, chain.sub_certificates)


def _sub_certificates(parent: Element, namespace: str, certificates: list[bytes]) -> None:
    if certificates:
        child = SubElement(parent, f"{namespace}SubCertificates")
        for certificate in certificates:
            _text(child, f"{namespace}Certificate", _base64(certificate))


def _roots(parent: Element, list_in: str, item_in: str, roots: list[RootCertificateID]) -> None:
    """The list of roots: *list_in* and *item_in* are the namespaces of the list and its items."""
    element = SubElement(parent, f"{list_in}ListOfRootCertificateIDs")
    for root in roots:
        child = SubElement(element, f"{item_in}RootCertificateID")
        _text(child, f"{DS}X509IssuerName", root.x509_issuer_name)
        _text(child, f"{DS}X509SerialNumber", str(root.x509_serial_number))


def _identified(parent: Element, name: str, id_: str, text: str) -> None:
    SubElement(parent, name, {f"{TYPES}Id": id_}).text = text


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _present(**attributes: str | None) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value is not None}


def _base64(value: bytes) -> str:
    return b64encode(value).decode()
