#!/usr/bin/env python3
"""The two images that a cluster needs: the controller, and the Envoy that it deploys.

usage: images.py                    packs both as OCI archives in build/images and prints their names
       images.py folder IMAGE PATH  only lays out the files of an image (kgateway or envoy)

An image has the program, the shared libraries that it asks for, the CA certificates of this machine
and an unprivileged user. Envoy's stands in for the official image where nothing can be pulled, and
has the few commands with which a proxy is drained before it ends. An image's name is $KGW_IMAGE_REGISTRY/IMAGE:$KGW_IMAGE_TAG
(localhost/kgateway and dev).
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

import envoy_binary
import kgw_cache as cache
import oci

ROOT = cache.TOOLS.parent
OUTPUT = ROOT / "build/images"
USER = 10101
BUSYBOX = pathlib.Path("/bin/busybox")
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


def libraries(program: pathlib.Path) -> list[pathlib.Path]:
    """The shared libraries and the loader of a program, by the paths that the loader searches.

    Raises RuntimeError when one is missing here.
    """
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    if "not a dynamic executable" in listed.stderr or "statically linked" in listed.stdout:
        return []
    if missing := re.findall(r"(\S+) => not found", listed.stdout):
        raise RuntimeError(f"{program}: {', '.join(missing)} not found")
    listed.check_returncode()
    return [pathlib.Path(p) for p in re.findall(r"(/\S+) \(0x", listed.stdout)]


def lay_out(root: pathlib.Path, program: pathlib.Path, target: str) -> None:
    """Fills root with program at `target`, its libraries, and what any unprivileged program expects."""
    for source, name in [(program, target), *((p, str(p)) for p in libraries(program))]:
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        place.chmod(0o755)
    etc = root / "etc"
    (etc / "ssl/certs").mkdir(parents=True)
    shutil.copyfile(CERTIFICATES, etc / "ssl/certs/ca-certificates.crt")
    (etc / "passwd").write_text(f"root:x:0:0:root:/:/bin/false\n"
                                f"nonroot:x:{USER}:{USER}:nonroot:/:/bin/false\n")
    (etc / "group").write_text(f"root:x:0:\nnonroot:x:{USER}:\n")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n")
    (root / "tmp").mkdir()
    for path in root.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
        elif "etc" in path.parts:
            path.chmod(0o644)
    (root / "tmp").chmod(0o1777)


def add_commands(root: pathlib.Path, names: tuple[str, ...]) -> None:
    """Puts commands into /bin, all of them one busybox."""
    if not BUSYBOX.exists() or libraries(BUSYBOX):
        raise RuntimeError(f"{BUSYBOX} is not there or not static: apt-get install busybox-static")
    (root / "bin").mkdir()
    shutil.copyfile(BUSYBOX, root / "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    for name in names:
        (root / "bin" / name).symlink_to("busybox")


def controller() -> pathlib.Path:
    program = pathlib.Path(os.environ.get("KGW_BINARY") or ROOT / "build/release/kgateway")
    if not program.exists():
        raise RuntimeError(f"{program} is not there: run `make build`")
    return program


@dataclasses.dataclass(frozen=True)
class Image:
    program: Callable[[], pathlib.Path]
    target: str                      # the program's path in the image, and its entry point
    commands: tuple[str, ...] = ()   # of busybox


IMAGES = {
    "kgateway": Image(controller, "/usr/local/bin/kgateway"),
    "envoy": Image(envoy_binary.envoy, "/usr/local/bin/envoy", ("sh", "sleep", "wget")),
}


def full_name(image: str) -> str:
    registry = os.environ.get("KGW_IMAGE_REGISTRY") or "localhost/kgateway"
    return f"{registry}/{image}:{os.environ.get('KGW_IMAGE_TAG') or 'dev'}"


def folder(image: str, root: pathlib.Path) -> None:
    content = IMAGES[image]
    root.mkdir(parents=True, exist_ok=True)
    lay_out(root, content.program(), content.target)
    if content.commands:
        add_commands(root, content.commands)


def pack_all() -> dict[str, pathlib.Path]:
    """Packs every image; returns its archive by its full name."""
    archives = {}
    for image, content in IMAGES.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder(image, pathlib.Path(temporary) / "root")
            archive = OUTPUT / f"{image}.tar"
            digest = oci.pack(pathlib.Path(temporary) / "root",
                              oci.Settings((content.target,), user=f"{USER}:{USER}"),
                              [full_name(image)], archive)
        cache.say(f"-- image {full_name(image)} {digest[:19]} in {archive.relative_to(ROOT)}")
        archives[full_name(image)] = archive
    return archives


def main() -> None:
    match sys.argv[1:]:
        case []:
            print("\n".join(pack_all()))
        case ["folder", image, path] if image in IMAGES:
            folder(image, pathlib.Path(path))
        case _:
            sys.exit((__doc__ or "").split("\n\n")[1])


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"images.py: {error}")
