"""The files of the product's images, and that the Dockerfile says the same about them."""

import json
import re
import subprocess

import images
import pytest


@pytest.fixture
def root(tmp_path):
    images.lay_out(tmp_path, images.pathlib.Path("/bin/true"), "/usr/local/bin/thing")
    return tmp_path


def test_a_program_starts_with_nothing_but_its_image(root):
    """Its loader finds every library inside; what it would take from this machine is listed."""
    loader = next(root.rglob("ld-linux-*"))
    listed = subprocess.run([str(loader), "--library-path", str(next(root.rglob("libc.so.6")).parent),
                             "--list", str(root / "usr/local/bin/thing")],
                            capture_output=True, text=True, check=True).stdout
    assert "not found" not in listed
    assert all(path.startswith(str(root)) for path in re.findall(r"=> (/\S+)", listed))


def test_an_unprivileged_user_can_use_it(root):
    assert f"nonroot:x:{images.USER}:" in (root / "etc/passwd").read_text()
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert all(path.stat().st_mode & 0o004 for path in root.rglob("*"))


def test_a_static_program_brings_no_libraries(tmp_path):
    program = tmp_path / "static"
    subprocess.run(["gcc", "-static", "-x", "c", "-", "-o", str(program)],
                   input="int main(void){return 0;}", text=True, check=True)
    assert images.libraries(program) == []


def test_something_that_is_no_program_is_an_error(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        images.libraries(tmp_path / "absent")


def test_registry_and_tag_are_the_users(monkeypatch):
    assert images.full_name("kgateway") == "localhost/kgateway/kgateway:dev"
    monkeypatch.setenv("KGW_IMAGE_REGISTRY", "example.com/me")
    monkeypatch.setenv("KGW_IMAGE_TAG", "v9")
    assert images.full_name("envoy") == "example.com/me/envoy:v9"


def test_commands_are_names_of_one_static_program(tmp_path, monkeypatch):
    program = tmp_path / "busybox"
    program.write_text("static")
    monkeypatch.setattr(images, "BUSYBOX", program)
    monkeypatch.setattr(images, "libraries", lambda _: [])
    images.add_commands(tmp_path, ("sh", "wget"))
    assert all((tmp_path / "bin" / name).read_text() == "static" for name in ("sh", "wget"))


@pytest.mark.parametrize("libraries", [["/lib/libc.so.6"], None])
def test_a_missing_busybox_names_the_package(tmp_path, monkeypatch, libraries):
    program = tmp_path / "busybox"
    if libraries:
        program.touch()
    monkeypatch.setattr(images, "BUSYBOX", program)
    monkeypatch.setattr(images, "libraries", lambda _: libraries)
    with pytest.raises(RuntimeError, match="busybox-static"):
        images.add_commands(tmp_path, ("sh",))


def test_the_dockerfile_agrees():
    final = (images.ROOT / "deploy/docker/Dockerfile").read_text().rpartition("FROM ")[2]
    assert f"USER {images.USER}:{images.USER}\n" in final
    entrypoint = json.loads(re.search(r"ENTRYPOINT (.*)", final)[1])
    assert entrypoint == [images.IMAGES["kgateway"].target]
