"""What a task of `bench.quality` gives: figures, the floors under them, and what was left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DIGITS = 4
"""Of figures as they are shown; floors are held against the figures themselves."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What a figure must reach; with `at_most`, must not pass."""

    name: str
    reached: float
    bound: float
    at_most: bool = False

    @property
    def passed(self) -> bool:
        return self.reached <= self.bound if self.at_most else self.reached >= self.bound

    def result(self) -> dict[str, object]:
        return {
            "at_most" if self.at_most else "at_least": self.bound,
            "reached": _shown(self.reached),
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Report:
    figures: Mapping[str, object]
    floors: Sequence[Floor] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(floor.passed for floor in self.floors)


def as_json(task: str, report: Report, files: Mapping[str, Path | None], seconds: float) -> str:
    result = {
        "task": task,
        **{name: _shown(value) for name, value in report.figures.items()},
        "passed": report.passed,
        "floors": {floor.name: floor.result() for floor in report.floors},
        "left_out": dict(report.left_out),
        "files": {name: str(file) for name, file in files.items() if file},
        "seconds": round(seconds, 1),
    }
    return json.dumps(result, ensure_ascii=False, indent=1)


def as_table(task: str, report: Report) -> str:
    lines = [task]
    for name, value in report.figures.items():
        if isinstance(value, Mapping):
            lines += [f"  {name}", *(f"    {key:22} {_shown(one)}" for key, one in value.items())]
        elif isinstance(value, list):
            lines += [f"  {name}", *(f"    {one}" for one in value)]
        else:
            lines.append(f"  {name:24} {_shown(value)}")
    for floor in report.floors:
        bound = f"{'at most' if floor.at_most else 'at least'} {floor.bound}"
        verdict = "holds" if floor.passed else f"MISSED: {_shown(floor.reached)}"
        lines.append(f"  floor of {floor.name:15} {bound}: {verdict}")
    return "\n".join(lines)


def _shown(value: object) -> object:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {name: _shown(one) for name, one in value.items()}
    return value
