"""The same objects sent to a real API server and to `kgateway check`: both accept, or both refuse.

KGW_DIFFERENTIAL_CASES and KGW_DIFFERENTIAL_SEED choose others than the usual objects. A disagreement is
mended in src/api, or, where it is meant, entered in docs/validation.md.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess

import pytest

import apiserver
import differences
from corpus import Case, Corpus, Form, forms
from schema import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("KGW_BINARY", str(ROOT / "build/release/kgateway"))
pytestmark = pytest.mark.timeout(900)  # on a busy machine
USUAL_SEED, USUAL_CASES = 1, 3000
SEED = int(os.environ.get("KGW_DIFFERENTIAL_SEED", USUAL_SEED))
CASES = int(os.environ.get("KGW_DIFFERENTIAL_CASES", USUAL_CASES))
STATE = ROOT / "build/differential/state"
# Rules of the CRDs that creating an object cannot break: one is about updates, the other repeats what the
# schema says before CEL is asked.
UNBREAKABLE = {"field is immutable", "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']"}


def ask_server(api: apiserver.Api, case: Case) -> str:
    """What the API server says against creating the object; empty: nothing."""
    form = case.form
    place = "/namespaces/default" if form.namespaced else ""
    try:
        api.open("POST", f"/apis/{form.api_version}{place}/{form.plural}?dryRun=All&fieldValidation=Strict",
                 case.object).close()
    except apiserver.ApiError as error:
        assert error.code in (400, 422), f"case {case.number}: {error}"
        return str(error)
    return ""


def ask_check(folder: pathlib.Path, cases: list[Case]) -> dict[int, str]:
    """What `kgateway check` says against reading each object."""
    for case in cases:
        (folder / f"{case.number}.json").write_text(case.text)
    done = subprocess.run([BINARY, "check", "-o", "json", str(folder)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    said: dict[int, str] = {case.number: "" for case in cases}
    for problem in json.loads(done.stdout)["problems"]:
        if problem["stage"] == "read" and problem["severity"] == "error":
            said[int(pathlib.Path(problem["file"]).stem)] += problem["text"].split(": ", 1)[1] + "\n"
    return said


@pytest.fixture(scope="module")
def crds() -> list[dict]:
    return apiserver.crds(BINARY)


@pytest.fixture(scope="module")
def kinds(crds) -> list[Form]:
    return forms(crds, json.loads(subprocess.check_output([BINARY, "crds", "--schemas"])))


@pytest.fixture(scope="module")
def judged(crds, kinds, tmp_path_factory) -> list[tuple[Case, str, str]]:
    """Every case with what the API server and what `check` says against it."""
    with apiserver.running(STATE) as api:
        apiserver.install(api, crds)
        cases = Corpus(SEED, kinds).cases(CASES)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            server = list(pool.map(lambda case: ask_server(api, case), cases))
    check = ask_check(tmp_path_factory.mktemp("cases"), cases)
    return [(case, said, check[case.number]) for case, said in zip(cases, server)]


def test_both_verdicts_come_often_enough_for_each_kind(judged):
    """Otherwise the agreement below would mean little."""
    counts = collections.Counter((case.form.kind, not said) for case, said, _ in judged)
    for kind in sorted({kind for kind, _ in counts}):
        accepted, refused = counts[kind, True], counts[kind, False]
        print(f"{kind:20} {accepted:5} accepted {refused:5} refused")
        assert min(accepted, refused) >= CASES // 150, kind


@pytest.mark.skipif((SEED, CASES) != (USUAL_SEED, USUAL_CASES), reason="other objects")
def test_every_rule_of_the_crds_is_broken_by_some_object(judged, kinds):
    said = "\n".join(server for _, server, _ in judged)
    silent = {rule for form in kinds for rule in rules(form.theirs) if rule not in said}
    assert silent == UNBREAKABLE


def test_check_and_the_api_server_agree(judged):
    known = differences.read()
    used = collections.Counter()
    wrong = []
    for case, server, check in judged:
        if bool(server) == bool(check):
            continue
        explained = [d for d in known if d.explains(case.form.kind, not server, server or check)]
        used.update(explained)
        if not explained:
            wrong.append(f"case {case.number}, {case.form.kind} {case.form.api_version}\n"
                         f"  API server: {server or 'accepts'}\n  check: {check.strip() or 'accepts'}\n"
                         f"  {case.text[:3000]}")
    print(f"{len(judged)} objects, {len(wrong)} disagreements that are not meant")
    assert not wrong, f"{len(wrong)} disagreements:\n" + "\n".join(wrong[:40])
    if (SEED, CASES) == (USUAL_SEED, USUAL_CASES):
        assert not [d for d in known if d not in used], "rows of docs/validation.md that explain nothing"
