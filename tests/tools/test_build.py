"""What the cache entries of the cluster's components are named after."""

import build
import pytest


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
