"""Checksums files, some at a time: worker.py INSTANCE [PAUSE]. PGHOST, PGDATABASE and so on lead to the database."""

import hashlib
import os
import signal
import sys
import time

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

INSTANCE = sys.argv[1]
PAUSE = float(sys.argv[2]) if len(sys.argv) > 2 else 0


def examine(task):
    """The result of the task, and the fact that it has found out."""
    if task.attempt <= task.params["failures"]:
        raise RuntimeError(f"attempt {task.attempt} was made to fail")
    time.sleep(PAUSE)
    path = task.params["path"]
    with open(path, "rb") as file:
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    fact = {
        "text": f"The SHA-256 of {path} is {digest}",
        "subject": task.params["name"],
        "predicate": "sha256",
        "object_data": digest,
        "tags": [os.path.splitext(path)[1] or "no suffix"],
        "metadata": {"bytes": len(content), "lines": content.count(b"\n")},
        "produced_by_task": task.task_id,
    }
    return {"sha256": digest}, fact


def work(db):
    tasks = db.execute(
        "select * from claim_tasks('files', 'python', max_tasks => 20, instance => %s)", (INSTANCE,)
    ).fetchall()
    done, facts, beaten_at = [], [], time.monotonic()
    for task in tasks:
        if time.monotonic() > beaten_at + 1:
            keep_leases(db, tasks)
            beaten_at = time.monotonic()
        try:
            result, fact = examine(task)
        except Exception as error:
            give_up(db, task, error)
            continue
        done.append({"task_id": task.task_id, "lease_token": task.lease_token, "result": result})
        facts.append(fact)
    if done:
        finish(db, done, facts)
    return len(tasks)


def keep_leases(db, tasks):
    """What the answers say of a lost task, they say again when it is finished."""
    leases = sorted((task.task_id, task.lease_token) for task in tasks)
    db.cursor().executemany("select heartbeat('files', %s, %s)", leases)


def finish(db, done, facts):
    """The facts are there if, and only if, the tasks were still this worker's."""
    with db.transaction():
        outcomes = dict(db.execute("select task_id, outcome from complete_tasks('files', %s)", (Jsonb(done),)).fetchall())
        facts = [fact for fact in facts if outcomes[fact["produced_by_task"]] == "completed"]
        db.execute("select create_facts('files', %s)", (Jsonb(facts),))


def give_up(db, task, error):
    """Tries it later, unless the file is not there. When it is given up for good, a conversation says why."""
    is_retryable = not isinstance(error, FileNotFoundError)
    with db.transaction():
        (answer,) = db.execute(
            "select fail_task('files', %s, %s, %s, %s)", (task.task_id, task.lease_token, str(error), is_retryable)
        ).fetchone()
        if answer == "failed":
            note = {"content": f"{INSTANCE} gave up at attempt {task.attempt}: {error}"}
            db.execute("select create_conversation('files', %s, %s)", (task.task_id, Jsonb(note)))


signal.signal(signal.SIGTERM, signal.default_int_handler)
with psycopg.connect(autocommit=True, row_factory=namedtuple_row) as db:
    try:
        while True:
            if work(db) == 0:
                time.sleep(0.1)
    except KeyboardInterrupt:
        db.execute("select release_tasks('files', 'python', %s)", (INSTANCE,))
