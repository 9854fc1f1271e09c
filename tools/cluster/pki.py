"""The cluster's certificates and the kubeconfigs of its components, made by openssl."""

import base64
import json
import pathlib
import subprocess

import layout
from layout import Layout

DAYS = "3650"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")

# Who talks to the API server: file name, and the user and group that its certificate says.
CLIENTS = {
    "admin": "/O=system:masters/CN=admin",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "kubelet": f"/O=system:nodes/CN=system:node:{layout.NODE}",
    "kube-proxy": "/CN=system:kube-proxy",
}


def servers(place: Layout) -> dict[str, tuple[str, str]]:
    return {
        "apiserver": ("/CN=kube-apiserver", "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
                      "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,"
                      f"IP:{place.address},IP:{layout.KUBERNETES_SERVICE}"),
        "kubelet-server": (f"/CN={layout.NODE}", f"DNS:{layout.NODE},IP:{place.address}"),
    }


def openssl(folder: pathlib.Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True)


def sign(folder: pathlib.Path, name: str, subject: str, usage: str, addresses: str = "") -> None:
    """Writes name.key and name.crt, signed by the cluster's authority."""
    extensions = f"extendedKeyUsage={usage}\n"
    if addresses:
        extensions += f"subjectAltName={addresses}\n"
    (folder / f"{name}.ext").write_text(extensions)
    openssl(folder, "req", *KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt")
    for left in ("ext", "csr"):
        (folder / f"{name}.{left}").unlink()


def kubeconfig(place: Layout, client: str) -> str:
    """A kubeconfig (JSON is YAML) that needs no other file."""

    def embedded(name: str) -> str:
        return base64.b64encode((place.pki / name).read_bytes()).decode()

    server = f"https://{place.address}:{place.api_port}"
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "kgateway",
        "clusters": [{"name": "kgateway", "cluster": {
            "server": server, "certificate-authority-data": embedded("ca.crt")}}],
        "users": [{"name": client, "user": {
            "client-certificate-data": embedded(f"{client}.crt"),
            "client-key-data": embedded(f"{client}.key")}}],
        "contexts": [{"name": "kgateway", "context": {"cluster": "kgateway", "user": client}}],
    }, indent=1) + "\n"


def create(place: Layout) -> None:
    """Writes everything below place.pki and the kubeconfigs; does nothing when it is there."""
    folder = place.pki
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    openssl(folder, "req", "-x509", *KEY, "-days", DAYS, "-subj", "/CN=kgateway-cluster",
            "-keyout", "ca.key", "-out", "ca.crt")
    # In the older of two formats: the API server derives the public key only from that.
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "service-accounts.key")
    for name, (subject, addresses) in servers(place).items():
        sign(folder, name, subject, "serverAuth", addresses)
    for name, subject in CLIENTS.items():
        sign(folder, name, subject, "clientAuth")
        (folder / f"{name}.conf").write_text(kubeconfig(place, name))
    place.kubeconfig.write_text(kubeconfig(place, "admin"))
    place.kubeconfig.chmod(0o600)
    (folder / "complete").touch()
