"""``python -m tests.faults.check FOLDER``: does what a run left behind keep the service's promises?

Reads the driver's, the model's and the receiver's logs and the database, through SQL, and nothing of the service. One
line a promise: ``ok`` with the figures, or ``RED`` with the first few places where it is broken. Exit code 1 if any is.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.faults.logbook import Logbook

SHOWN = 3
ATTEMPTS = 3
FINAL = frozenset({"graded", "needs_review", "ungraded"})
Row = dict[str, Any]


@dataclass(slots=True)
class Left:
    """What a run left: its description, its logs, and the rows of the database."""

    run: Row
    acknowledged: list[Row]
    calls: list[Row]
    received: list[Row]
    grades: dict[str, Row]
    jobs: dict[str, Row]
    batches: dict[str, Row]
    events: list[Row]
    deliveries: list[Row]
    endpoints: dict[str, Row]
    rubrics: dict[tuple[str, str], Row]
    cases: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, folder: Path) -> Left:
        """Read it all."""
        logbook = Logbook(folder)
        run = logbook.description()
        engine = sa.create_engine(sa.make_url(run["database"]).set(drivername=_driver(run["database"])))
        with engine.connect() as connection:

            def rows(table: str) -> list[Row]:
                return [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608

            left = cls(
                run,
                list(logbook.read("acknowledged")),
                list(logbook.read("provider")),
                list(logbook.read("receiver")),
                grades={row["id"]: _parsed(row) for row in rows("grades")},
                jobs={row["id"]: row for row in rows("jobs")},
                batches={row["id"]: row for row in rows("batches")},
                events=[{**row, "body": json.loads(row["body"])} for row in rows("webhook_events")],
                deliveries=rows("webhook_deliveries"),
                endpoints={row["id"]: row for row in rows("webhook_endpoints")},
                rubrics={(r["tenant"], r["sha256"]): json.loads(r["text"]) for r in rows("rubric_texts")},
            )
        engine.dispose()
        for grade in left.grades.values():
            left.cases[_case(grade)].append(grade["id"])
        return left

    @property
    def done(self) -> list[Row]:
        """The grades that came out with a result."""
        return [grade for grade in self.grades.values() if grade["status"] in ("graded", "needs_review")]


def _driver(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"


def _parsed(row: Row) -> Row:
    return {**row, **{name: json.loads(row[name]) if row[name] else {} for name in ("request", "result", "audit")}}


def _case(grade: Row) -> str:
    return str(grade["request"]["submission"]["answer"]).partition(".")[0]


@dataclass(slots=True)
class Finding:
    """What one check found: figures for whoever reads, and faults."""

    figures: str
    faults: list[str]


def acknowledged_is_kept(left: Left) -> Finding:
    """Every id that was acknowledged is there, with what was sent; and nothing is there that was not acknowledged."""
    faults = [f"{entry['key']}: {entry['fault']}" for entry in left.acknowledged if "fault" in entry]
    ids: dict[str, set[str]] = defaultdict(set)
    known: set[str] = set()
    answers = 0
    for entry in (entry for entry in left.acknowledged if "id" in entry):
        ids[entry["key"]].add(entry["id"])
        if entry["id"] in known:
            continue
        known.add(entry["id"])
        answers += len(entry["cases"])
        faults += _not_kept(left, entry)
    faults += [f"{key} has {len(of)} ids" for key, of in ids.items() if len(of) > 1]
    known |= {job["id"] for job in left.jobs.values() if job["batch_id"] in known}
    faults += [f"{job} was never acknowledged" for job in left.jobs if job not in known]
    faults += [f"{grade} was never acknowledged" for grade in left.grades if grade not in known]
    if answers != left.run["campaign"]["jobs"]:
        faults.append(f"{answers} of {left.run['campaign']['jobs']} answers were acknowledged")
    return Finding(f"{answers} answers acknowledged under {len(ids)} keys, {len(left.grades)} kept", faults)


def _not_kept(left: Left, entry: Row) -> Iterator[str]:
    if entry["batch"]:
        batch = left.batches.get(entry["id"])
        kept = [job for job in left.jobs.values() if job["batch_id"] == entry["id"]]
        if batch is None or batch["tenant"] != entry["tenant"]:
            yield f"{entry['id']} is lost"
        elif Counter(job["custom_id"] for job in kept) != Counter(entry["cases"]):
            yield f"{entry['id']} has {len(kept)} of {len(entry['cases'])} answers"
        return
    grade = left.grades.get(entry["id"])
    if grade is None or entry["id"] not in left.jobs:
        yield f"{entry['id']} is lost"
    elif grade["tenant"] != entry["tenant"] or _case(grade) != entry["cases"][0]:
        yield f"{entry['id']} holds something else"


def all_is_final(left: Left) -> Finding:
    """Nothing is stuck and nothing is half done."""
    faults = [f"{g['id']} is {g['status']}" for g in left.grades.values() if g["status"] not in FINAL]
    faults += [f"{job['id']} is {job['state']}" for job in left.jobs.values() if job["state"] != "done"]
    faults += [f"{b['id']} is {b['status']}" for b in left.batches.values() if b["status"] != "completed"]
    faults += [f"{g['id']} is ungraded without a reason" for g in left.grades.values() if _unexplained(g)]
    faults += [f"{g['id']} is {g['status']} without a grade" for g in left.done if not g["result"].get("grade")]
    statuses = Counter(grade["status"] for grade in left.grades.values())
    return Finding(", ".join(f"{n} {status}" for status, n in sorted(statuses.items())), faults)


def _unexplained(grade: Row) -> bool:
    return grade["status"] == "ungraded" and not (grade["result"].get("reason") or {}).get("code")


def one_result_each(left: Left) -> Finding:
    """One grade for each answer sent, told once, and charged once to its batch."""
    faults = [f"{case} has {len(ids)} grades" for case, ids in left.cases.items() if len(ids) != 1]
    told = Counter(e["body"]["data"]["id"] for e in left.events if e["kind"] == "grade.completed")
    faults += [f"{grade} was finished {told[grade]} times" for grade in left.grades if told[grade] != 1]
    for batch in left.batches.values():
        of = [job for job in left.jobs.values() if job["batch_id"] == batch["id"]]
        ended = Counter(left.grades[job["id"]]["status"] for job in of if job["id"] in left.grades)
        if any(ended[status] != batch[status] for status in FINAL) or batch["total"] != len(of):
            faults.append(f"{batch['id']} counts {[batch[status] for status in FINAL]}, has {dict(ended)}")
        costs = [job["cost_usd"] for job in of]
        if batch["unpriced"] != costs.count(None) or not math.isclose(batch["cost_usd"], sum(c or 0.0 for c in costs)):
            faults.append(f"{batch['id']} was charged for {batch['unpriced']} answers, has {costs.count(None)}")
    return Finding(f"{len(left.cases)} answers, {sum(told.values())} ends, {len(left.batches)} batches", faults)


def calls_are_bounded(left: Left) -> Finding:
    """No call beyond those that the grades' receipts name, but for what each kill can repeat."""
    campaign, asked = left.run["campaign"], Counter(call["case"] for call in left.calls)
    limited = Counter(call["case"] for call in left.calls if str(call["gets"]).startswith("429"))
    surplus = unknown = 0
    for case, calls in asked.items():
        ids = left.cases.get(case)
        if not ids:
            unknown += calls
            continue
        grade, job = left.grades[ids[0]], left.jobs.get(ids[0])
        tries = max(0, job["attempts"] - job["crashes"] - 1) if job and campaign["faults"] else 0
        allowed = len(grade["audit"].get("calls", ())) + ATTEMPTS * (tries + limited[case])
        surplus += max(0, calls - allowed)
    stood_still = left.run["kills"] + left.run["pauses"]
    most = stood_still * campaign["concurrency"] * (ATTEMPTS if campaign["faults"] else 1)
    figures = f"{sum(asked.values())} calls for {len(asked)} answers, surplus {surplus}, at most {most}"
    faults = [f"{surplus} surplus calls, at most {most} can come of {stood_still} kills"] if surplus > most else []
    return Finding(figures, faults + ([f"{unknown} calls about answers that are not there"] if unknown else []))


def results_are_valid(left: Left) -> Finding:
    """Levels the rubric has, distributions that add up, scores within them: whatever the model replied."""
    faults = [f"{grade['id']}: {fault}" for grade in left.done for fault in _invalid(left, grade)]
    return Finding(f"{len(left.done)} grades", faults)


def _invalid(left: Left, row: Row) -> Iterator[str]:
    grade = row["result"].get("grade") or {}
    rubric = left.rubrics[row["tenant"], row["rubric_sha256"]]
    levels = {criterion["id"]: len(criterion["levels"]) for criterion in rubric["criteria"]}
    criteria = grade.get("criteria", ())
    if [criterion["id"] for criterion in criteria] != list(levels):
        yield "its criteria are not the rubric's"
    for criterion in (criterion for criterion in criteria if criterion["status"] == "scored"):
        most, shares = levels[criterion["id"]], criterion["distribution"]
        if not _is_level(criterion["level"], most) or not _within(criterion["score"], most):
            yield f"{criterion['id']} has level {criterion['level']}, score {criterion['score']} of {most}"
        if len(shares) != most or not math.isclose(sum(shares), 1.0, abs_tol=1e-6) or min(shares) < 0:
            yield f"{criterion['id']} has a distribution that is none"
    if not grade.get("overall") or not _within(grade["overall"]["score"], grade["overall"]["max_score"]):
        yield "it has no overall score"


def _is_level(value: Any, most: int) -> bool:
    return isinstance(value, int) and 1 <= value <= most


def _within(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 1 <= value <= most


def quotes_are_the_answers(left: Left) -> Finding:
    """Each quote stands in the answer, letter for letter, at the place that is named."""
    quotes = [(row, quote) for row in left.done for quote in _quotes(row["result"].get("grade"))]
    faults = []
    for row, quote in quotes:
        answer = row["request"]["submission"]["answer"]
        if answer[quote["start"] : quote["end"]] != quote["quote"] or not quote["quote"]:
            faults.append(f"{row['id']}: {quote['quote']!r} is not what the answer says there")
    tricked = sum(call["gets"] == "invented quotes" for call in left.calls)
    return Finding(f"{len(quotes)} quotes; {tricked} replies quoted what nobody said", faults)


def _quotes(value: Any) -> Iterator[Row]:
    """Everything in a grade that claims to be the answer's words."""
    if isinstance(value, dict):
        if {"quote", "start", "end"} <= value.keys():
            yield value
        for part in value.values():
            yield from _quotes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _quotes(part)


def webhooks_arrive(left: Left) -> Finding:
    """Of each end every endpoint that wants to know was told, or it is on the dead list; under one id."""
    arrived = {(entry["path"], entry["event"]) for entry in left.received if entry["answered"] in ("204", "slow")}
    of_event = {event["id"]: event for event in left.events}
    faults, states = [], Counter[str]()
    told: dict[str, set[str]] = defaultdict(set)
    for delivery in left.deliveries:
        endpoint, event = left.endpoints[delivery["endpoint_id"]], of_event[delivery["event_id"]]
        path = "/" + endpoint["url"].split("/", 3)[3]
        states[delivery["status"]] += 1
        told[endpoint["id"]].add(event["body"]["data"]["id"])
        if delivery["status"] not in ("delivered", "dead"):
            faults.append(f"{delivery['id']} is {delivery['status']}")
        elif delivery["status"] == "delivered" and (path, event["id"]) not in arrived:
            faults.append(f"{delivery['id']} is said to have arrived")
        elif delivery["status"] == "dead" and "/good/" in path:
            faults.append(f"{delivery['id']} is dead at an endpoint that works")
    for endpoint in (e for e in left.endpoints.values() if "/good/" in e["url"]):
        mine = {g["id"] for g in left.grades.values() if g["tenant"] == endpoint["tenant"]}
        faults += [f"nobody was told of {grade}" for grade in mine - told[endpoint["id"]]]
    figures = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    return Finding(f"{figures}; {len(left.received)} sent", faults)


def tenants_are_apart(left: Left) -> Finding:
    """No row, event or webhook of a tenant names what is another's."""
    owner = {
        **{g["id"]: g["tenant"] for g in left.grades.values()},
        **{b["id"]: b["tenant"] for b in left.batches.values()},
    }
    faults = [
        f"{job['id']} is {job['tenant']}'s" for job in left.jobs.values() if job["tenant"] != owner.get(job["id"])
    ]
    faults += [f"{g['id']} is {g['tenant']}'s" for g in left.grades.values() if g["tenant"] not in left.run["tenants"]]
    for event in left.events:
        if owner.get(event["body"]["data"]["id"], event["tenant"]) != event["tenant"]:
            faults.append(f"{event['id']} tells {event['tenant']} of another's")
    for entry in left.received:
        if owner.get(entry["object"]) != entry["path"].rpartition("/")[2]:
            faults.append(f"{entry['event']} went to {entry['path']}")
    return Finding(f"{len(left.run['tenants'])} tenants, {len(owner)} objects", faults)


CHECKS: dict[str, Callable[[Left], Finding]] = {
    "acknowledged is kept": acknowledged_is_kept,
    "all is final": all_is_final,
    "one result each": one_result_each,
    "calls are bounded": calls_are_bounded,
    "results are valid": results_are_valid,
    "quotes are the answer's": quotes_are_the_answers,
    "webhooks arrive": webhooks_arrive,
    "tenants are apart": tenants_are_apart,
}


def main() -> int:
    """Say of each promise whether it holds; 1 when one does not."""
    left = Left.read(Path(sys.argv[1]))
    red = False
    for name, check in CHECKS.items():
        finding = check(left)
        red |= bool(finding.faults)
        shown = f"{len(finding.faults)} faults: {'; '.join(finding.faults[:SHOWN])} " if finding.faults else ""
        print(f"{'RED' if finding.faults else 'ok '} {name}: {shown}({finding.figures})")  # noqa: T201
    return int(red)


if __name__ == "__main__":
    sys.exit(main())
