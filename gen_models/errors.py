"""The base class of errors that the user can correct."""


class UserError(Exception):
    """Something outside the program is wrong: a file, a folder, an option, a disk.

    The message says what is wrong, where, what was expected and what to do next. The commands in
    `experiments` print it on one line and exit with status 2; stack traces are for bugs.
    """
