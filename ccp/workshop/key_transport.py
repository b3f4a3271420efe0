"""
The contract's private key on its way to the car, readable for that car alone.

ISO 15118-2: ephemeral ECDH on P-256 with the key of the provisioning certificate, ConcatKDF of NIST
SP 800-56A with SHA-256, AES-128-CBC without padding.
"""

import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# Algorithm 01; U, the sender; V, the receiver.
_OTHER_INFO = bytes.fromhex("015556")
_AES_BYTES = 16
_IV_BYTES = 16
_KEY_BYTES = 32  # a private key of P-256


def encrypt_key(
    contract_key: ec.EllipticCurvePrivateKey, car_key: ec.EllipticCurvePublicKey
) -> tuple[bytes, bytes]:
    """
    Encrypt the contract's key for one car.

    Args:
        contract_key, car_key: On P-256.
    Returns: ContractSignatureEncryptedPrivateKey (16 bytes of IV, 32 of ciphertext), and
        DHpublickey (uncompressed point, 65 bytes).
    """
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    iv = secrets.token_bytes(_IV_BYTES)
    encryptor = Cipher(AES(_session_key(ephemeral, car_key)), CBC(iv)).encryptor()
    plain = contract_key.private_numbers().private_value.to_bytes(_KEY_BYTES, "big")
    sealed = iv + encryptor.update(plain) + encryptor.finalize()
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return sealed, point


def decrypt_key(
    sealed: bytes, point: bytes, car_key: ec.EllipticCurvePrivateKey
) -> ec.EllipticCurvePrivateKey:
    """
    Decrypt the contract's key as the car does.

    Args:
        sealed, point: What `encrypt_key` returns.
        car_key: That of the provisioning certificate.
    Raises:
        ValueError: *point* is not on the curve, a length is wrong, or what comes out is no key.
    """
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    if len(sealed) != _IV_BYTES + _KEY_BYTES:
        raise ValueError(f"the encrypted key has {len(sealed)} bytes")
    iv, ciphertext = sealed[:_IV_BYTES], sealed[_IV_BYTES:]
    decryptor = Cipher(AES(_session_key(car_key, sender)), CBC(iv)).decryptor()
    plain = decryptor.update(ciphertext) + decryptor.finalize()
    return ec.derive_private_key(int.from_bytes(plain, "big"), ec.SECP256R1())


def _session_key(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> bytes:
    shared = private.exchange(ec.ECDH(), public)
    return ConcatKDFHash(hashes.SHA256(), _AES_BYTES, _OTHER_INFO).derive(shared)
