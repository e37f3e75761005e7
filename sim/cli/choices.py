"""Names that a user chooses from."""

from collections.abc import Iterable

from sim.errors import UserError

__all__ = ["choose"]


def choose(what: str, name: str, names: Iterable[str]) -> str:
    """Return ``name`` if it is one of ``names``.

    Raises
    ------
    :exc:`~sim.errors.UserError`
        If it is not; the message lists the names.
    """
    names = list(names)
    if name not in names:
        raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(names)}")
    return name
