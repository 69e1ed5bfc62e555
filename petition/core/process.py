"""What a process keeps for as long as it runs: its database, its keys, its clock.

Guards that such a value is set when the process starts, by one function of the module that owns it, and that reading
one that was never set is an error that names it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class NotSetUp(RuntimeError):
    """A programming error: something was used before this process was given it."""


class ProcessValue(Generic[T]):
    """One value of this process, by name; `value` is what it is until it is set."""

    __slots__ = ("_name", "_value")

    def __init__(self, name: str, value: T | None = None) -> None:
        self._name, self._value = name, value

    def set(self, value: T) -> T:
        """Replace the value; gives the new one."""
        self._value = value
        return value

    def get(self) -> T:
        """The value; raises NotSetUp."""
        if self._value is None:
            raise NotSetUp(f"This process has no {self._name} yet.")
        return self._value
