"""Values that a process keeps while it runs: its database, its keys, its clock.

Each value is set when the process starts, by one function of the module that owns it. Reading a value that was never
set raises an error that names it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class NotSetUp(RuntimeError):
    """A programming error: a value was used before this process set it."""


class ProcessValue(Generic[T]):
    """One named value of this process. `value` is the initial one."""

    __slots__ = ("_name", "_value")

    def __init__(self, name: str, value: T | None = None) -> None:
        self._name, self._value = name, value

    def set(self, value: T) -> T:
        """Replace the value and return the new one."""
        self._value = value
        return value

    def get(self) -> T:
        """Returns the value. Raises NotSetUp."""
        if self._value is None:
            raise NotSetUp(f"This process has no {self._name} yet.")
        return self._value
