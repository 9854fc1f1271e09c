"""Random values that an OpenAPI schema of a CRD allows, as far as the schema alone says.

Whatever CEL rules say beyond that is met by chance: the members of a union are kept in step with its
`type`, and the literals of the rules are among the words that strings are made of.
"""

import random
import re
import re._parser as regex_parser
from typing import Any

Schema = dict[str, Any]

WORDS = ["a", "app", "example.com", "*.example.com", "80", "http", "Service", "Gateway", "10.0.0.1", "::1",
         "1s", "500ms", "100m", "64Mi", "/", "/a/b", "GET", "x-header", "All", "Same", "a/b", "kgateway"]
MOST_ITEMS = 3  # of a generated list or map, unless its schema asks for more


class Sampler:
    """Strings that match a pattern."""

    def __init__(self, rng: random.Random):
        self.rng = rng

    def sample(self, pattern: str) -> str:
        try:
            return self.items(regex_parser.parse(pattern))
        except re.error:  # an expression that Python reads differently
            return self.rng.choice(WORDS)

    def items(self, parsed) -> str:
        return "".join(self.item(str(op), argument) for op, argument in parsed)

    def item(self, op: str, argument) -> str:
        match op:
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL" | "ANY":
                return "x"
            case "IN":
                return self.one_of(argument)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = argument
                most = min(int(most), least + 3)
                return "".join(self.items(inner) for _ in range(self.rng.randint(least, most)))
            case "SUBPATTERN":
                return self.items(argument[3])
            case "BRANCH":
                return self.items(self.rng.choice(argument[1]))
        return ""  # anchors

    def one_of(self, parts) -> str:
        if str(parts[0][0]) == "NEGATE":
            return "x"
        op, argument = self.rng.choice(parts)
        if str(op) == "RANGE":
            return chr(self.rng.randint(*argument))
        return chr(argument) if str(op) == "LITERAL" else "1"


def literals(schema: Any) -> list[str]:
    """The texts that the CEL rules of a schema speak of."""
    found: set[str] = set()
    if isinstance(schema, dict):
        for rule in schema.get("x-kubernetes-validations") or []:
            found.update(re.findall(r"'([^'\\]{1,40})'", rule["rule"]))
            found.update(re.findall(r'"([^"\\]{1,40})"', rule["rule"]))
        for value in schema.values():
            found.update(literals(value))
    elif isinstance(schema, list):
        for value in schema:
            found.update(literals(value))
    return sorted(found)


def rules(schema: Schema) -> set[str]:
    """What its CEL rules say when they are broken."""
    found = {rule.get("message") or rule["rule"] for rule in schema.get("x-kubernetes-validations") or []}
    below = list(schema.get("properties", {}).values()) + [schema.get("items"), schema.get("additionalProperties")]
    return found.union(*(rules(s) for s in below if isinstance(s, dict)))


def member_of(schema: Schema, value: str) -> str | None:
    """The member of a union that goes with its type: requestMirror with RequestMirror."""
    wanted = value.replace("-", "").lower()
    return next((name for name in schema["properties"] if name.lower() == wanted), None)


class Generator:
    def __init__(self, rng: random.Random, words: list[str]):
        self.rng = rng
        self.sampler = Sampler(rng)
        self.words = WORDS + words

    def value(self, schema: Schema, depth: int = 0) -> Any:
        if schema.get("x-kubernetes-int-or-string"):
            return self.rng.choice([self.rng.randint(0, 100), self.string(schema)])
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, depth)
            case "string":
                return self.string(schema)
            case "integer":
                return self.integer(schema)
            case "number":
                return self.integer(schema) + self.rng.choice([0, 0.5])
            case "boolean":
                return self.rng.random() < 0.5
        return self.rng.choice([1, "text", {"a": "b"}])

    def integer(self, schema: Schema) -> int:
        least, most = schema.get("minimum", 0), schema.get("maximum", 1000)
        return self.rng.choice([least, most, self.rng.randint(int(least), max(int(least), int(most)))])

    def string(self, schema: Schema) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 300)
        for _ in range(20):
            text = self.sampler.sample(schema["pattern"]) if "pattern" in schema else (
                self.rng.choice(self.words))
            if least <= len(text) <= most:
                return text
        return "a" * max(1, least)

    def array(self, schema: Schema, depth: int) -> list:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", MOST_ITEMS), max(least, MOST_ITEMS - depth // 4))
        count = self.rng.randint(least, most)
        items = [self.value(schema["items"], depth + 1) for _ in range(count)]
        keys = schema.get("x-kubernetes-list-map-keys")
        if keys or schema.get("x-kubernetes-list-type") == "set":
            def identity(item):
                return repr([item.get(k) for k in keys] if keys else item)
            items = list({identity(i): i for i in items}.values())
        return items

    def object(self, schema: Schema, depth: int) -> dict:
        properties = schema.get("properties")
        if not properties:
            return self.map(schema, depth)
        required = schema.get("required", [])
        likely = 0.5 if depth < 5 else 0.25
        chosen = {name for name in properties if name in required or self.rng.random() < likely}
        made = {name: self.value(properties[name], depth + 1) for name in sorted(chosen)}
        self.keep_in_step(schema, made, depth)
        return made

    def keep_in_step(self, schema: Schema, made: dict, depth: int) -> None:
        """Where `type` names one of the members, mostly only that member stays, and is there."""
        types = schema["properties"].get("type", {}).get("enum")
        if not types or "type" not in made or self.rng.random() < 0.1:
            return
        members = {member_of(schema, t) for t in types} - {None}
        wanted = member_of(schema, made["type"])
        for name in members - {wanted}:
            made.pop(name, None)
        if wanted and wanted not in made:
            made[wanted] = self.value(schema["properties"][wanted], depth + 1)

    def map(self, schema: Schema, depth: int) -> dict:
        each = schema.get("additionalProperties")
        if not isinstance(each, dict):
            return self.rng.choice([{}, {"a": "b"}, {"a": {"b": [1]}}])
        least = schema.get("minProperties", 0)
        count = self.rng.randint(least, max(least, min(schema.get("maxProperties", 2), 2)))
        return {f"example.com/key-{i}": self.value(each, depth + 1) for i in range(count)}
