"""The images that the cluster itself and the conformance suite use, each one static program.

Nothing is pulled from anywhere: a pod names one of these, or one that was loaded (`cluster.py load`).
"""

import dataclasses
import pathlib
import shutil
import tempfile

import layout  # noqa: F401  (its import makes the modules of tools/ known)
import oci
import runtime


@dataclasses.dataclass(frozen=True)
class DevImage:
    component: str               # of build.py
    program: str                 # below its bin/
    names: tuple[str, ...]
    user: str = ""


IMAGES = (
    DevImage("kubernetes", "pause", ("localhost/kgateway/pause:1",), "65535:65535"),
    DevImage("companions", "coredns", ("localhost/kgateway/coredns:1",)),
    # The suite's manifests ask for both tags; the program is the same.
    DevImage("companions", "echo-basic", (
        "registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0",
        "registry.k8s.io/gateway-api/conformance/echo-basic:v0.2.0"), "65532:65532"),
)


def load_missing(built: dict[str, pathlib.Path]) -> None:
    """Packs and imports those that containerd does not have yet."""
    for image in IMAGES:
        if all(runtime.has_image(name) for name in image.names):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            root = pathlib.Path(temporary) / "root"
            (root / "tmp").mkdir(parents=True)
            (root / "tmp").chmod(0o1777)
            shutil.copyfile(built[image.component] / "bin" / image.program, root / image.program)
            (root / image.program).chmod(0o755)
            archive = pathlib.Path(temporary) / "image.tar"
            oci.pack(root, oci.Settings((f"/{image.program}",), user=image.user), list(image.names),
                     archive)
            runtime.load(archive)
