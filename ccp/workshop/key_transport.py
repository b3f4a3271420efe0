"""
The contract's private key on its way to the car, readable for that car alone.

Ephemeral ECDH with the key of the provisioning certificate, and ConcatKDF of NIST SP 800-56A, in
both editions; the ciphers differ.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ccp.workshop.certificates import Identity, common_name, subject_key_id
from ccp.workshop.errors import WorkshopError
from ccp.workshop.profiles import Hash

# Algorithm 01; U, the sender; V, the receiver.
_OTHER_INFO = bytes.fromhex("015556")


@dataclass(frozen=True, slots=True)
class Sealed:
    """
    A key on its way.

    Attributes:
        encrypted_key: The IV, the ciphertext, and the tag if the cipher has one.
        public_key: The sender's ephemeral one, an uncompressed point.
    """

    encrypted_key: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class KeyTransport:
    """
    How one edition sends a key.

    Attributes:
        curve: Of the contract's key, the car's and the ephemeral one.
        hash: Of the key derivation.
        session_key_bytes: What comes out of it.
        bound_to: What the ciphertext is bound to, made of the provisioning certificate and the
            contract certificate.
        encrypt, decrypt: Session key, data, what it is bound to; *decrypt* raises ValueError.
        sealed_bytes: The length of the encrypted key.
    """

    curve: ec.EllipticCurve
    hash: Hash
    session_key_bytes: int
    bound_to: Callable[[x509.Certificate, x509.Certificate], bytes]
    encrypt: Callable[[bytes, bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes, bytes], bytes]
    sealed_bytes: int

    def seal(self, contract: Identity, car: x509.Certificate) -> Sealed:
        """
        Encrypt a contract's key for one car; with another ephemeral key each time.

        Args:
            car: The provisioning certificate.
        Raises:
            WorkshopError: One of the keys is none that can be used so.
        """
        car_key = car.public_key()
        if not (
            isinstance(car_key, ec.EllipticCurvePublicKey) and car_key.curve.name == self.curve.name
        ):
            raise WorkshopError(f"the provisioning certificate has no key on {self.curve.name}")
        if not isinstance(contract.key, ec.EllipticCurvePrivateKey):
            raise WorkshopError("the contract's key is none that could be sent to a car")
        ephemeral = ec.generate_private_key(self.curve)
        size = (self.curve.key_size + 7) // 8
        plain = contract.key.private_numbers().private_value.to_bytes(size, "big")
        session_key = self._session_key(ephemeral, car_key)
        sealed = self.encrypt(session_key, plain, self.bound_to(car, contract.certificate))
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Sealed(sealed, point)

    def open(
        self, sealed: Sealed, contract: x509.Certificate, car: Identity
    ) -> ec.EllipticCurvePrivateKey:
        """
        Decrypt a contract's key as the car does.

        Args:
            contract: The contract certificate that came with it.
            car: The provisioning certificate and its key.
        Raises:
            ValueError: The point is not on the curve, a length is wrong, what was encrypted was
                changed or for another car or contract, or what comes out is no key.
        """
        if not isinstance(car.key, ec.EllipticCurvePrivateKey):
            raise ValueError("the car's key cannot decrypt")
        sender = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, sealed.public_key)
        if len(sealed.encrypted_key) != self.sealed_bytes:
            raise ValueError(f"the encrypted key has {len(sealed.encrypted_key)} bytes")
        session_key = self._session_key(car.key, sender)
        bound_to = self.bound_to(car.certificate, contract)
        plain = self.decrypt(session_key, sealed.encrypted_key, bound_to)
        return ec.derive_private_key(int.from_bytes(plain, "big"), self.curve)

    def _session_key(
        self, private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey
    ) -> bytes:
        shared = private.exchange(ec.ECDH(), public)
        return ConcatKDFHash(self.hash, self.session_key_bytes, _OTHER_INFO).derive(shared)


def _names(car: x509.Certificate, contract: x509.Certificate) -> bytes:
    """The car and the contract: the PCID, the key identifier in hex, both in capitals."""
    return (common_name(car) + subject_key_id(contract).hex()).upper().encode("ascii")


_CBC_IV_BYTES = 16


def _encrypt_cbc(key: bytes, plain: bytes, _: bytes) -> bytes:
    iv = secrets.token_bytes(_CBC_IV_BYTES)
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return iv + encryptor.update(plain) + encryptor.finalize()


def _decrypt_cbc(key: bytes, sealed: bytes, _: bytes) -> bytes:
    iv, ciphertext = sealed[:_CBC_IV_BYTES], sealed[_CBC_IV_BYTES:]
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


_GCM_IV_BYTES = 12


def _encrypt_gcm(key: bytes, plain: bytes, names: bytes) -> bytes:
    iv = secrets.token_bytes(_GCM_IV_BYTES)
    return iv + AESGCM(key).encrypt(iv, plain, names)


def _decrypt_gcm(key: bytes, sealed: bytes, names: bytes) -> bytes:
    iv, ciphertext = sealed[:_GCM_IV_BYTES], sealed[_GCM_IV_BYTES:]
    try:
        return AESGCM(key).decrypt(iv, ciphertext, names)
    except InvalidTag:
        raise ValueError("the tag is not that of the encrypted key") from None


AES_128_CBC = KeyTransport(
    ec.SECP256R1(),
    hashes.SHA256(),
    session_key_bytes=16,
    bound_to=lambda *_: b"",
    encrypt=_encrypt_cbc,
    decrypt=_decrypt_cbc,
    sealed_bytes=16 + 32,
)
"""ISO 15118-2: without padding, and bound to nothing."""
AES_256_GCM = KeyTransport(
    ec.SECP521R1(),
    hashes.SHA512(),
    session_key_bytes=32,
    bound_to=_names,
    encrypt=_encrypt_gcm,
    decrypt=_decrypt_gcm,
    sealed_bytes=12 + 66 + 16,
)
"""ISO 15118-20: bound to the car's PCID and the contract certificate's key identifier."""
