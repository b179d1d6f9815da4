"""The floor under `bench.issue`: a bare Flask route with seven statements and nothing else.

No credential, no scan, no validation, no idempotency, no priority, no limits: what this machine,
Flask, psycopg and PostgreSQL cost before any of our own work is done.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg
from flask import Flask, request

SCHEMA = """
CREATE TABLE IF NOT EXISTS floor_visit (id bigserial PRIMARY KEY, who text, at timestamptz);
CREATE TABLE IF NOT EXISTS floor_step (
    id bigserial PRIMARY KEY, visit bigint REFERENCES floor_visit, state text);
CREATE TABLE IF NOT EXISTS floor_series (letter text PRIMARY KEY, last int);
CREATE TABLE IF NOT EXISTS floor_number (
    letter text, number int, visit bigint, PRIMARY KEY (letter, number));
CREATE TABLE IF NOT EXISTS floor_ticket (
    id bigserial PRIMARY KEY, visit bigint REFERENCES floor_visit, content jsonb);
CREATE TABLE IF NOT EXISTS floor_outbox (id bigserial PRIMARY KEY, visit bigint, kind text);
CREATE TABLE IF NOT EXISTS floor_audit (id bigserial PRIMARY KEY, visit bigint, event text);
"""


def create_app() -> Flask:
    app = Flask("floor")
    local = threading.local()

    def connect() -> psycopg.Connection[Any]:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(os.environ["TIEPDON_DB"])
        connection: psycopg.Connection[Any] = local.connection
        return connection

    @app.post("/floor")
    def issue() -> tuple[dict[str, Any], int]:
        body = request.get_json()
        letter = body["letter"]
        connection = connect()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO floor_visit (who, at) VALUES (%s, now()) RETURNING id", (body["who"],)
            )
            (visit,) = cursor.fetchone() or (0,)
            cursor.execute("INSERT INTO floor_step (visit, state) VALUES (%s, 'waiting')", (visit,))
            cursor.execute(
                "INSERT INTO floor_outbox (visit, kind) VALUES (%s, 'check_in')", (visit,)
            )
            cursor.execute(
                "INSERT INTO floor_audit (visit, event) VALUES (%s, 'started')", (visit,)
            )
            cursor.execute(
                "INSERT INTO floor_series VALUES (%s, 1) ON CONFLICT (letter)"
                " DO UPDATE SET last = floor_series.last + 1 RETURNING last",
                (letter,),
            )
            (number,) = cursor.fetchone() or (0,)
            cursor.execute("INSERT INTO floor_number VALUES (%s, %s, %s)", (letter, number, visit))
            cursor.execute("INSERT INTO floor_ticket (visit, content) VALUES (%s, '{}')", (visit,))
            connection.commit()
        return {"number": f"{letter}{number:03d}"}, 201

    return app
