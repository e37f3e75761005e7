"""Errors that a user of the commands can mend."""

__all__ = ["UserError"]


class UserError(Exception):
    """Wrong input or a missing tool.

    The message is one line: what is wrong, with which thing, and the remedy. The command line
    prints it without a traceback and exits with status 2.
    """
