"""Certificates made on the fly for tests."""

import datetime
import ipaddress
import ssl

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority; issue() gives PEM pairs."""

    def __init__(self, name: str = "test ca"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=None), True)])

    def _build(self, subject, public_key, extensions, days=30):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=2))
                   .not_valid_after(now + datetime.timedelta(days=days)))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, *names: str, days: int = 30, curve: str = "secp256r1") -> tuple[str, str]:
        """Certificate and key for DNS names, IP addresses and spiffe:// URIs."""
        key = ec.generate_private_key({"secp256r1": ec.SECP256R1, "secp256k1": ec.SECP256K1}[curve]())
        def general(name):
            if "://" in name:
                return x509.UniformResourceIdentifier(name)
            try:
                return x509.IPAddress(ipaddress.ip_address(name))
            except ValueError:
                return x509.DNSName(name)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:60])])
        certificate = self._build(subject, key.public_key(), [
            (x509.SubjectAlternativeName([general(n) for n in names]), False)], days)
        return (certificate.public_bytes(serialization.Encoding.PEM).decode(),
                key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption()).decode())


def secret(name: str, pair: tuple[str, str], namespace: str = "default") -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                           "metadata": {"name": name, "namespace": namespace},
                           "stringData": {"tls.crt": pair[0], "tls.key": pair[1]}})


def config_map(name: str, pem: str) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                           "data": {"ca.crt": pem}})


def client_context(authority: Authority, *alpn: str, pair_files: tuple[str, str] | None = None):
    context = ssl.create_default_context(cadata=authority.pem)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if pair_files:
        context.load_cert_chain(*pair_files)
    return context
