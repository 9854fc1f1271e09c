"""Certificates for listeners and for xDS: self-signed, or of an authority made for the test."""

import dataclasses
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclasses.dataclass(frozen=True)
class Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> tuple[bytes, bytes]:
        """Certificate and key."""
        return (self.certificate.public_bytes(serialization.Encoding.PEM),
                self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))


def issue(hosts: list[str], by: Pair | None = None, authority: bool = False) -> Pair:
    """Self-signed without `by`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0][:64])])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name)
            .issuer_name(by.certificate.subject if by else name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1)))
    if authority:
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), critical=False)
    return Pair(made.sign(by.key if by else key, hashes.SHA256()), key)


def make(host: str) -> tuple[bytes, bytes]:
    """Self-signed certificate and key in PEM."""
    return issue([host]).pem()


def serial(der: bytes) -> str:
    return f"{x509.load_der_x509_certificate(der).serial_number:x}"[:12]
