"""The calls for machines under `/api` (docs/api.md): JSON in and out, for clients that nobody here wrote.

Names, statuses and shapes stand in one table (`calls.CALLS`), from which the OpenAPI document is made. The pass or the
challenge id is the authority: no cookie, no session, any origin. A call refuses bodies above 16 kB, anything but a JSON
object, and fields of the wrong shape. No rule of the domain lives here.
"""
