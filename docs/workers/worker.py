"""A worker: python3 worker.py PROJECT USER [LEASE_SECONDS]. PGHOST, PGDATABASE and so on lead to the database."""

import os
import signal
import socket
import sys
import threading
import time

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

PROJECT, USER = sys.argv[1:3]
LEASE_SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 30
INSTANCE = f"{socket.gethostname()}-{os.getpid()}"


def work(task, lost):
    """Your work goes here; this one waits. What it returns is the result, what it raises the error."""
    lost.wait(task["params"]["seconds"])
    if task["attempt"] <= task["params"].get("failures", 0):
        raise RuntimeError(f"attempt {task['attempt']} went wrong")
    return {"done_by": "Python"}


def run(db):
    call(db, "release_tasks", USER, INSTANCE)  # what this process held when its last connection broke
    while True:
        task = db.execute(
            "select * from claim_tasks(%s, %s, lease_seconds => %s, instance => %s)",
            (PROJECT, USER, LEASE_SECONDS, INSTANCE),
        ).fetchone()
        if task is None:
            time.sleep(1)
            continue
        lease = task["task_id"], task["lease_token"]
        lost, done = threading.Event(), threading.Event()
        threading.Thread(target=keep_lease, args=(db, lease, lost, done), daemon=True).start()
        try:
            answer = call(db, "complete_task", *lease, Jsonb(work(task, lost)))
        except Exception as error:
            answer = call(db, "fail_task", *lease, str(error))
        finally:
            done.set()
        print(task["task_id"], answer, flush=True)


def keep_lease(db, lease, lost, done):
    while not done.wait(LEASE_SECONDS / 3):
        if call(db, "heartbeat", *lease) != "ok":
            lost.set()
            return


def call(db, function, *arguments):
    marks = ", ".join(["%s"] * (len(arguments) + 1))
    (answer,) = db.execute(f"select {function}({marks}) as answer", (PROJECT, *arguments)).fetchone().values()
    return answer


# SIGTERM interrupts whatever goes on, as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)
while True:
    try:
        with psycopg.connect(autocommit=True, row_factory=dict_row) as db:
            try:
                run(db)
            except KeyboardInterrupt:
                call(db, "release_tasks", USER, INSTANCE)
                sys.exit()
    except psycopg.OperationalError as error:
        print(error, file=sys.stderr)
        time.sleep(1)
