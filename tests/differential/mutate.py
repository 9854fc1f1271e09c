"""Small changes of an object, guided by its schema: at a bound, beyond it, of the wrong type, twice."""

import copy
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from schema import Generator, Schema

NAMES = ["A", "-a", "a-", "a.b", "a_b", "a" * 63, "a" * 64, "a" * 253, "a" * 254, "1", "ä", "a..b"]
WORDS = ["", " ", "a b", "a\n", "ä", "*", "*.", "*.a", "a.*", "-a", "a-", "A", "a_b", "http://a", "/..", "/./",
         "//", "/%2f", "/a#b", "/a/..", "/a/.", "%", "null", "0", "0s", "1h1m1s1ms", "1d", "99999h", "100000h",
         "-1s", "1.5s", "256.0.0.1", "01.2.3.4", "::1", "::ffff:1.2.3.4", "1.2.3.4", "fe80::1%eth0", "[::1]",
         "a/b", "a/", "/b", "k8s.io/a", "x.k8s.io/a", "a" * 63, "a" * 64, "a" * 253, "a" * 254, "a" * 1025, "(",
         "[a", "HTTP", "HTTPS", "TLS", "TCP", "UDP", "Service", "Secret", "ConfigMap", "Cluster", "Hostname",
         "IPAddress", "certificates.k8s.io", "ClusterTrustBundle", "XBackend",
         "gateway.networking.x-k8s.io"]
NUMBERS = [-1, 0, 1, 65535, 65536, 2**31 - 1, 2**31, 2**53, 1.0, 1.5]
OTHER_TYPES = [None, True, 1, "text", [], {}, ["a"], {"a": "b"}]


class Place(NamedTuple):
    """A value inside an object: object[key] of a parent, and what its schema says."""

    parent: Any
    key: Any
    schema: Schema

    @property
    def value(self) -> Any:
        return self.parent[self.key]


def places(value: Any, schema: Schema) -> Iterator[Place]:
    """Everything below a value for which there is a schema."""
    if isinstance(value, dict):
        for key in value:
            below = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if isinstance(below, dict):
                yield Place(value, key, below)
                yield from places(value[key], below)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield Place(value, index, schema["items"])
            yield from places(item, schema["items"])


class Mutator:
    def __init__(self, rng: random.Random, generator: Generator):
        self.rng = rng
        self.generator = generator

    def mutated(self, original: dict, schema: Schema) -> dict:
        """A copy with one change, or a few, at the object's metadata or anywhere below its spec."""
        changed = copy.deepcopy(original)
        for _ in range(self.rng.choice([1, 1, 1, 2, 2, 3])):
            found = list(places(changed, schema))
            if self.rng.random() < 0.08:
                self.change_metadata(changed)
            elif found:
                self.change(self.rng.choice(found))
        return changed

    def change_metadata(self, changed: dict) -> None:
        metadata = changed["metadata"]
        key = self.rng.choice(["app", "a.b/c", "A", "-", "a/", "/a", "a/b/c", "a" * 64, "a" * 254 + "/b", "Aa.b/c"])
        match self.rng.randrange(4):
            case 0:
                metadata["labels"] = {key: self.rng.choice(["", "a", "A.b", "-a", "a" * 64, 1, None])}
            case 1:
                metadata["annotations"] = {key: self.rng.choice(["", "a b", "ä", 1, None])}
            case 2:
                metadata["name"] = metadata["name"] + self.rng.choice(["-", ".", ".a", "A", "_", "/", "-" + "a" * 260])
            case 3:
                metadata[self.rng.choice(["lables", "resourceversion", "creationTimestamps"])] = "a"

    def change(self, place: Place) -> None:
        """One change at a place; what a value of another type is asked is nothing."""
        actions = [self.drop, self.regenerate, self.bounds, self.bounds, self.bounds, self.bounds,
                   self.other_type]
        self.rng.choice(actions)(place)

    def drop(self, place: Place) -> None:
        del place.parent[place.key]

    def regenerate(self, place: Place) -> None:
        place.parent[place.key] = self.generator.value(place.schema, self.rng.choice([3, 6]))

    def other_type(self, place: Place) -> None:
        place.parent[place.key] = copy.deepcopy(self.rng.choice(OTHER_TYPES))

    def bounds(self, place: Place) -> None:
        value = place.value
        if isinstance(value, bool) or value is None:
            return self.regenerate(place)
        if isinstance(value, str):
            place.parent[place.key] = self.string(place.schema, value)
        elif isinstance(value, (int, float)):
            place.parent[place.key] = self.number(place.schema)
        elif isinstance(value, list):
            self.change_list(value, place.schema)
        else:
            self.change_object(value, place.schema)

    def string(self, schema: Schema, value: str) -> Any:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 300)
        choices = [lambda: self.rng.choice(WORDS), lambda: self.rng.choice(self.generator.words),
                   lambda: value + self.rng.choice(WORDS), lambda: self.rng.choice(WORDS) + value,
                   lambda: value.swapcase(), lambda: value[:-1],
                   lambda: self.stretched(value, most), lambda: self.stretched(value, most + 1),
                   lambda: "a" * max(0, least - 1), lambda: self.generator.string(schema)]
        if "enum" in schema:
            choices += [lambda: self.rng.choice(schema["enum"])] * 6
        return self.rng.choice(choices)()

    def stretched(self, value: str, length: int) -> str:
        """The value made as long as asked, in its middle, where most patterns allow letters."""
        length = min(length, 9000)
        middle = len(value) // 2
        return value[:middle] + "a" * max(0, length - len(value)) + value[middle:]

    def number(self, schema: Schema) -> Any:
        bounds = [schema.get("minimum"), schema.get("maximum")]
        near = [b + d for b in bounds if b is not None for d in (-1, 0, 1)]
        return self.rng.choice(near + NUMBERS + [self.generator.value(schema)])

    def change_list(self, value: list, schema: Schema) -> None:
        each = schema["items"] if "items" in schema else {}
        most = min(schema.get("maxItems", 40), 140)
        action = self.rng.randrange(6)
        if action == 0 and value:
            value.append(copy.deepcopy(self.rng.choice(value)))
        elif action == 1 and value:  # almost the same once more
            value.append(copy.deepcopy(self.rng.choice(value)))
            inner = list(places(value[-1], each))
            if inner:
                self.change(self.rng.choice(inner))
        elif action == 2:
            value.append(self.generator.value(each, 6))
        elif action == 3:
            value.clear()
        elif action == 4:
            self.fill(value, each, most + self.rng.choice([0, 1]))
        elif value:
            value.pop(self.rng.randrange(len(value)))

    def fill(self, value: list, each: Schema, count: int) -> None:
        seen = {repr(item) for item in value}
        for _ in range(count * 3):
            if len(value) >= count:
                return
            item = self.generator.value(each, 9)
            if repr(item) not in seen or not self.rng.randrange(20):
                seen.add(repr(item))
                value.append(item)

    def change_object(self, value: dict, schema: Schema) -> None:
        properties = schema.get("properties")
        if not properties:
            return self.change_map(value, schema)
        missing = sorted(set(properties) - set(value))
        action = self.rng.randrange(6)
        if action < 3 and missing:
            name = self.rng.choice(missing)
            value[name] = self.generator.value(properties[name], 5)
        elif action == 3:
            value[self.rng.choice(["unknown", "names", "Type", "speck"])] = self.rng.choice(OTHER_TYPES)
        elif action == 4 and value:
            value[self.rng.choice(sorted(value))] = None
        elif value:
            del value[self.rng.choice(sorted(value))]

    def change_map(self, value: dict, schema: Schema) -> None:
        each = schema.get("additionalProperties")
        if not isinstance(each, dict):
            value["more"] = copy.deepcopy(self.rng.choice(OTHER_TYPES))
            return
        most = schema.get("maxProperties", 8)
        if self.rng.random() < 0.4:
            for i in range(most + self.rng.choice([0, 1])):
                if len(value) <= most:
                    value[f"more-{i}"] = self.generator.value(each, 6)
        else:
            key = self.rng.choice(NAMES + ["a/b", "a/b/c", "/a", "a/", "Aa.b/c", "a" * 253 + "/b", "a" * 252 + "/b", ""])
            value[key] = self.rng.choice(["", "a", "A.b", "-a", "a" * 63, "a" * 64, "a" * 4096, "a" * 4097, None, 1])
