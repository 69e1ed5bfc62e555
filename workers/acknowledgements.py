"""A worker's place for a task is free again, even if Redis could not be told that the task is done.

kombu's Redis transport first tells Redis that a message is done, and only then counts the place as free. If Redis is away
at that moment, the error is logged and the place stays taken. Once all places are taken so, the worker asks for no
message; it then never uses its connection again, never notices that the connection is lost, and never makes a new one.
Here, the place becomes free in either case (docs/decisions/0057-places-are-freed.md).
"""

from __future__ import annotations

from typing import Any, cast

from kombu.transport import redis, virtual


class FreedPlaces(redis.QoS):
    """kombu's record of the messages that a worker took, for Redis; `ack` and `reject` free the place in every case."""

    def ack(self, delivery_tag: str) -> None:
        """Tell Redis that a message is done.

        Errors:
            OSError, redis.RedisError: Redis is away. The place is free; Redis gives the message out again after the
                visibility timeout.
        """
        try:
            super().ack(delivery_tag)
        except self._lost:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT002 (kombu's own signature)
        """Give a message back, to be handed out again at once if `requeue`. Errors: as `ack`."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except self._lost:
            virtual.QoS.ack(self, delivery_tag)
            raise

    @property
    def _lost(self) -> tuple[type[Exception], ...]:
        """The errors that mean that Redis is away."""
        return cast("Any", self.channel).connection_errors  # type: ignore[no-any-return]


def install() -> None:
    """Use this record in every connection that is made from now on."""
    redis.Channel.QoS = FreedPlaces
