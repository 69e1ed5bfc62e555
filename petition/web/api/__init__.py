"""The calls for machines: those of api.md under `/api`, JSON in and out, for clients that nobody here wrote.

Guards what a client may rely on: names, statuses and shapes stand in one table (`calls.CALLS`), from which the
OpenAPI document is made. The pass or the challenge id is the authority: no cookie, no session, any origin. Refuses
bodies above 16 kB, anything but a JSON object, and fields of the wrong shape. Holds no rule.
"""

from petition.web.api import heads, openapi, reading, subscribing, writing
from petition.web.api.calls import CALLS, Call, bp

__all__ = ["CALLS", "Call", "bp", "heads", "openapi", "reading", "subscribing", "writing"]
