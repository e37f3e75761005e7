"""Rows of a synthesis result, brought together for people."""

import re
from collections.abc import Iterable

from .targets import CATEGORIES

__all__ = ["grouped"]


def grouped(modules: Iterable[dict], depth: int) -> list[tuple[str, dict[str, int]]]:
    """Add up the rows below ``depth`` levels of hierarchy, and those that differ by a number only.

    Returns pairs of a label and the cells in each category, in the order of the hierarchy. They
    add up to what ``modules`` add up to.
    """
    groups: dict[str, dict[str, int]] = {}
    members: dict[str, set[str]] = {}
    for row in modules:
        path = ".".join(row["path"].split(".")[:depth + 1])
        key = re.sub(r"\d+", "*", path)
        members.setdefault(key, set()).add(path)
        cells = groups.setdefault(key, dict.fromkeys(CATEGORIES, 0))
        for category in CATEGORIES:
            cells[category] += row[category]
    labels = {key: f"{key} ({len(paths)})" if len(paths) > 1 else next(iter(paths))
              for key, paths in members.items()}
    return [(labels[key], cells) for key, cells in groups.items()]
