"""The table of docs/validation.md: where `kgateway check` means to judge otherwise than the CRDs."""

import pathlib
import re
from typing import NamedTuple

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/validation.md"


class Difference(NamedTuple):
    kinds: frozenset[str]  # empty: all
    strict: bool  # check refuses what the API server takes; else the other way round
    pattern: re.Pattern[str]  # of the message of the side that refuses

    def explains(self, kind: str, strict: bool, message: str) -> bool:
        return (strict == self.strict and (not self.kinds or kind in self.kinds)
                and self.pattern.search(message) is not None)


def read() -> list[Difference]:
    rows = []
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 4 or cells[1] not in ("stricter", "more lenient"):
            continue
        kinds = frozenset() if cells[0] == "all" else frozenset(cells[0].split(", "))
        pattern = cells[2].strip("`").replace("\\|", "|")
        rows.append(Difference(kinds, cells[1] == "stricter", re.compile(pattern)))
    return rows
