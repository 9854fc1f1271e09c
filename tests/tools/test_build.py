"""What the cache entries of the cluster's components are named after, and how the program is linked."""

import os
import pathlib
import subprocess

import build
import pytest

PROGRAM = pathlib.Path(os.environ.get("KGW_BINARY", pathlib.Path(__file__).parents[2] / "build/release/kgateway"))


@pytest.fixture
def component(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MODULES", tmp_path)
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool/go.mod").write_text("module tool\n\nrequire (\n\texample.org/thing v1.2.3\n)\n")
    return build.Component("tool", version_of="example.org/thing")


def test_the_version_is_the_one_that_go_mod_requires(component):
    assert component.version() == "v1.2.3"


def test_equal_input_has_an_equal_name(component):
    assert component.entry_name() == build.Component("tool").entry_name()


def test_pins_flags_and_recipe_change_the_name(component):
    def recipe(module, out):
        """Another step."""

    names = {component.entry_name(), build.Component("tool", ldflags="-X a=b").entry_name(),
             build.Component("tool", finish=recipe).entry_name()}
    (component.module / "go.sum").write_text("example.org/thing v1.2.3 h1:x\n")
    names.add(component.entry_name())
    (component.module / "own").mkdir()
    (component.module / "own/main.go").write_text("package main\n")
    names.add(component.entry_name())
    assert len(names) == 5


@pytest.mark.parametrize("name", build.COMPONENTS)
def test_every_component_names_its_programs_and_pins_its_dependencies(name):
    module = build.COMPONENTS[name].module
    assert "\ntool " in (module / "go.mod").read_text()
    assert (module / "go.sum").exists()


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, PROGRAM], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not PROGRAM.exists(), reason="the release build is not there")
def test_the_program_is_hardened_and_stays_compact():
    dynamic, segments, symbols = readelf("--dynamic"), readelf("--segments"), readelf("--dyn-syms")
    assert "DYN (Position-Independent Executable file)" in readelf("--file-header")
    assert "GNU_RELRO" in segments and "BIND_NOW" in dynamic
    (stack,) = [line for line in segments.splitlines() if "GNU_STACK" in line]
    assert "RWE" not in stack
    assert "__stack_chk_fail" in symbols
    assert "_chk@GLIBC" in symbols, "no call of the C library is checked"
    assert "(RELR)" in dynamic, "relocations are packed (cmake/StaticLibraries.cmake)"
