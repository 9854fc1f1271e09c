"""OCI images without a container runtime: a folder in, an image archive out, the same bytes each time.

An archive is an OCI image layout in a tar file, which `ctr images import`, `docker load` and `skopeo`
read. Times, owners and the order of files are fixed, so equal content has an equal digest.
"""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import platform
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What an image says about the process to run."""

    entrypoint: tuple[str, ...]
    user: str = ""                 # "uid:gid"; empty is root
    environment: tuple[str, ...] = ("PATH=/usr/local/bin:/usr/bin:/bin",)


def layer(root: pathlib.Path) -> bytes:
    """The tree below root as a tar; only names, kinds, modes, link targets and contents count."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            member = tar.gettarinfo(path, arcname=str(path.relative_to(root)))
            member.uid = member.gid = member.mtime = 0
            member.uname = member.gname = ""
            if path.is_symlink() or not path.is_file():
                tar.addfile(member)
                continue
            # A file with two names is stored twice: which of them is the link would depend on chance.
            member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(member, content)
    return buffer.getvalue()


def blob(content: bytes, media_type: str) -> dict:
    """The descriptor of a blob."""
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(content).hexdigest(),
            "size": len(content)}


def encode(value: dict) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def pack(root: pathlib.Path, settings: Settings, names: list[str], archive: pathlib.Path) -> str:
    """Writes the image of the folder `root` under all `names`; returns the manifest's digest."""
    content = layer(root)
    layer_blob = blob(content, LAYER)
    process = {"Entrypoint": list(settings.entrypoint), "Env": list(settings.environment),
               "WorkingDir": "/"}
    if settings.user:
        process["User"] = settings.user
    config = encode({"architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                     "os": "linux", "config": process, "history": [{}],
                     "rootfs": {"type": "layers", "diff_ids": [layer_blob["digest"]]}})
    manifest = encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": blob(config, CONFIG),
                       "layers": [layer_blob]})
    described = blob(manifest, MANIFEST)
    index = encode({"schemaVersion": 2, "manifests": [
        {**described, "annotations": {"io.containerd.image.name": name,
                                      "org.opencontainers.image.ref.name": name.rpartition(":")[2]}}
        for name in names]})
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    for part in (content, config, manifest):
        files["blobs/sha256/" + hashlib.sha256(part).hexdigest()] = part
    work = archive.with_name(archive.name + ".tmp")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(work, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, part in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(part), 0o644
            tar.addfile(member, io.BytesIO(part))
    os.replace(work, archive)
    return described["digest"]
