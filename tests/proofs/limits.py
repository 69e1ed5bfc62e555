"""The limits the bench compares with: bare Flask views under the same gunicorn, doing the least that the work needs."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from flask import Flask, Response, request


def create() -> Flask:
    """`/page` returns the bytes of a file; `/insert` parses JSON, inserts one row and commits."""
    app = Flask(__name__)
    body = Path(os.environ["BENCH_PAGE"]).read_bytes()
    connections = {}

    @app.get("/page")
    def page() -> Response:
        return Response(body, content_type="text/html; charset=utf-8")

    @app.post("/insert")
    def insert() -> tuple[dict[str, int], int]:
        import threading

        me = threading.get_ident()
        if me not in connections:
            connections[me] = psycopg.connect(os.environ["BENCH_DSN"])
        told = request.get_json()
        connection = connections[me]
        connection.execute("INSERT INTO bench_row (text) VALUES (%s)", (told["pass"],))
        connection.commit()
        return {"done": 1}, 201

    return app
