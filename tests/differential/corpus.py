"""The objects that are judged: those of objects/ as they are, then from the golden tests, from the schemas,
and mutations of all.

The same seed gives the same objects. Every object has a name of its own and lies in namespace default.
"""

import copy
import json
import pathlib
import random
from typing import NamedTuple

import yaml

from mutate import Mutator
from schema import Generator, Schema, literals

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIGHT = {"HTTPRoute": 4, "Gateway": 3, "GRPCRoute": 2, "GatewayParameters": 3, "Backend": 2}
PLAIN = 0.15       # of the cases are seeds as they are
GENERATED = 0.35   # and so many of the seeds made from a schema


class Form(NamedTuple):
    """A kind at one of its versions."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    theirs: Schema  # of the CRD
    ours: Schema    # of `kgateway crds --schemas`


class Case(NamedTuple):
    number: int
    form: Form
    object: dict

    @property
    def text(self) -> str:
        return json.dumps(self.object, ensure_ascii=False)


def forms(crds: list[dict], ours: dict[str, Schema]) -> list[Form]:
    """Every kind and version that both sides know."""
    found = []
    for crd in crds:
        spec = crd["spec"]
        for version in spec["versions"]:
            api_version = f"{spec['group']}/{version['name']}"
            schema = ours.get(f"{api_version}/{spec['names']['kind']}")
            if schema is None or not version["served"]:
                continue
            theirs = version["schema"]["openAPIV3Schema"]
            theirs["properties"] = {"spec": theirs["properties"]["spec"]}
            schema["properties"] = {"spec": schema["properties"]["spec"]}
            found.append(Form(api_version, spec["names"]["kind"], spec["names"]["plural"],
                              spec["scope"] == "Namespaced", theirs, schema))
    return found


def objects_of(*folders: str) -> list[dict]:
    objects = []
    for folder in folders:
        for file in sorted((ROOT / "tests" / folder).rglob("*.yaml")):
            text = file.read_text().split("# Output")[0]
            try:
                objects += [d for d in yaml.safe_load_all(text) if isinstance(d, dict)]
            except yaml.YAMLError:
                continue  # a golden test of broken text
    return objects


class Corpus:
    def __init__(self, seed: int, forms: list[Form]):
        self.rng = random.Random(seed)
        self.forms = forms
        self.seeds: dict[str, list[dict]] = {}
        self.written = objects_of("differential/objects")
        for written in objects_of("golden", "deployment") + self.written:
            self.seeds.setdefault(str(written.get("kind")), []).append(written)
        self.words = {id(form): sorted({*literals(form.theirs), *literals(form.ours)}) for form in forms}

    def cases(self, count: int) -> list[Case]:
        """The written ones first, at each version of their kind; at least `count` in all."""
        cases = []
        for form in self.forms:
            for written in self.written:
                if written["kind"] == form.kind:
                    cases.append(Case(len(cases), form, self.named(form, written, len(cases))))
        weights = [WEIGHT.get(form.kind, 1) for form in self.forms]
        for form in self.rng.choices(self.forms, weights, k=max(0, count - len(cases))):
            cases.append(Case(len(cases), form, self.make(form, len(cases))))
        return cases

    def named(self, form: Form, original: dict, number: int) -> dict:
        spec = {"spec": copy.deepcopy(original["spec"])} if "spec" in original else {}
        return {"apiVersion": form.api_version, "kind": form.kind, "metadata": {"name": f"case-{number}"}, **spec}

    def make(self, form: Form, number: int) -> dict:
        # Mostly the CRD's schema says where the bounds are; ours may have bounds that it has not.
        schema = self.rng.choice([form.theirs, form.theirs, form.ours])
        generator = Generator(self.rng, self.words[id(form)])
        seeds = self.seeds.get(form.kind)
        if seeds and self.rng.random() > GENERATED:
            made = self.named(form, self.rng.choice(seeds), number)
        else:
            made = self.named(form, generator.value(schema), number)
        if self.rng.random() < PLAIN:
            return made
        return Mutator(self.rng, generator).mutated(made, schema)
