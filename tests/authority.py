"""A CA for TLS, with the files that servers and clients want."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """A CA of its own, and the files that it writes into a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.certify(self.key, name, self.key, ca=True)
        self.file = self.write(f"{name}.pem", self.certificate)

    def certify(self, key, name, signer, *, ca=False, ends_in=DAY):
        """A certificate for *key*, valid until *ends_in* from now."""
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, self.name)
        )
        now = datetime.now(UTC)
        local = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        usage = x509.KeyUsage(
            digital_signature=not ca,
            key_cert_sign=ca,
            crl_sign=ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        return (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - 3 * DAY)
            .not_valid_after(now + ends_in)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(local, critical=False)
            .add_extension(usage, critical=True)
            .add_extension(own_id, critical=False)
            .add_extension(issuer_id, critical=False)
            .sign(signer, hashes.SHA256())
        )

    def issue(self, name, *, ends_in=DAY):
        """The paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certify(key, name, self.key, ends_in=ends_in)
        return self.write(f"{name}.pem", certificate), self.write(f"{name}.key", key)

    def write(self, name, what, password=None):
        """The path of a PEM file."""
        encoded = (
            what.public_bytes(serialization.Encoding.PEM)
            if isinstance(what, x509.Certificate)
            else what.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password)
                if password
                else serialization.NoEncryption(),
            )
        )
        path = self.folder / name
        path.write_bytes(encoded)
        return str(path)
