"""Image archives: reproducible, complete, and true to their digests."""

import hashlib
import io
import json
import os
import tarfile

import oci
import pytest


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/tool").write_bytes(b"program")
    (folder / "bin/tool").chmod(0o755)
    (folder / "bin/alias").symlink_to("tool")
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    return folder


def members(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {m.name: m for m in tar.getmembers()}


def test_a_layer_depends_on_content_only(root):
    before = oci.layer(root)
    for path in root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (root / "bin/tool").rename(root / "moved")
    (root / "moved").rename(root / "bin/tool")
    assert oci.layer(root) == before
    (root / "bin/tool").chmod(0o700)
    assert oci.layer(root) != before


def test_a_layer_keeps_modes_and_links(root):
    found = members(oci.layer(root))
    assert found["tmp"].mode == 0o1777
    assert found["bin/tool"].mode == 0o755
    assert found["bin/alias"].linkname == "tool"
    assert {(m.uid, m.gid, m.mtime, m.uname) for m in found.values()} == {(0, 0, 0, "")}


def test_a_second_name_of_a_file_is_a_file_of_its_own(root):
    os.link(root / "bin/tool", root / "bin/again")
    found = members(oci.layer(root))
    assert all(found[f"bin/{name}"].isreg() for name in ("tool", "again"))


def test_an_archive_holds_what_its_digests_say(root, tmp_path):
    archive = tmp_path / "image.tar"
    digest = oci.pack(root, oci.Settings(("/bin/tool",), user="7:8"), ["host/name:1", "host/name:2"],
                      archive)
    with tarfile.open(archive) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name.endswith(hashlib.sha256(content).hexdigest())
    index = json.loads(files["index.json"])["manifests"]
    assert [m["annotations"]["io.containerd.image.name"] for m in index] == ["host/name:1", "host/name:2"]
    assert {m["digest"] for m in index} == {digest}

    def blob(described):
        return files["blobs/sha256/" + described["digest"].removeprefix("sha256:")]

    manifest = json.loads(blob(index[0]))
    config = json.loads(blob(manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/bin/tool"]
    assert config["config"]["User"] == "7:8"
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert blob(manifest["layers"][0]) == oci.layer(root)


def test_the_same_folder_gives_the_same_archive(root, tmp_path):
    for name in ("a.tar", "b.tar"):
        oci.pack(root, oci.Settings(("/bin/tool",)), ["host/name:1"], tmp_path / name)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
