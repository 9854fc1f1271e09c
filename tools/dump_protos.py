#!/usr/bin/env python3
"""Writes a FileDescriptorSet of the Envoy API from the xds-protos wheel.

usage: dump_protos.py WHEEL ROOTS OUTPUT

WHEEL   the wheel; each of its *_pb2.py modules holds a serialized FileDescriptorProto
ROOTS   a text file: names of .proto files, one per line, '#' starts a comment
OUTPUT  receives the roots and all they import, dependencies first

Prints the names of the files that need generated code, one per line: all but google/protobuf/*,
which belong to libprotobuf.

One repair: `requires` is a keyword of C++20 that protoc 3.21 does not escape, so fields of that
name get a trailing underscore. Numbers stay, hence the binary format too.
"""

import ast
import pathlib
import sys
import zipfile

from google.protobuf import descriptor_pb2

RESERVED = {"requires", "concept", "co_await", "co_return", "co_yield", "consteval", "constinit"}


def serialized_descriptor(source: str) -> bytes:
    """The literal passed to AddSerializedFile() in a generated module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    raise ValueError("no AddSerializedFile() call")


def rename_reserved(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.name in RESERVED:
            field.json_name = field.json_name or field.name
            field.name += "_"
    for nested in message.nested_type:
        rename_reserved(nested)


def main() -> None:
    wheel, roots, output = sys.argv[1:]
    archive = zipfile.ZipFile(wheel)
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name in files:
            return
        if name.startswith("google/protobuf/"):
            # An exact copy is not needed: code for these comes with libprotobuf.
            module = __import__(
                name.removesuffix(".proto").replace("/", ".") + "_pb2", fromlist=["DESCRIPTOR"]
            )
            serialized = module.DESCRIPTOR.serialized_pb
        else:
            entry = name.removesuffix(".proto").replace("-", "_") + "_pb2.py"
            serialized = serialized_descriptor(archive.read(entry).decode())
        file = descriptor_pb2.FileDescriptorProto.FromString(serialized)
        for dependency in file.dependency:
            add(dependency)
        for message in file.message_type:
            rename_reserved(message)
        files[name] = file

    for line in pathlib.Path(roots).read_text().splitlines():
        name = line.split("#")[0].strip()
        if name:
            add(name)

    result = descriptor_pb2.FileDescriptorSet(file=files.values())
    pathlib.Path(output).write_bytes(result.SerializeToString(deterministic=True))
    for name in files:
        if not name.startswith("google/protobuf/"):
            print(name)


if __name__ == "__main__":
    main()
