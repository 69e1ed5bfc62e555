"""The API under `/api` (docs/api.md): JSON in and out, for clients that other people write.

One table (`calls.CALLS`) has the names, statuses and schemas, and the OpenAPI document is made from it. A call is
authorized by a pass or a challenge id: there is no cookie and no session, and any origin may call. A call rejects
bodies above 16 kB, bodies that are not JSON objects, and fields of the wrong type. This package contains no domain
rules.
"""
