"""The queue at work on real files: checksums every file below a folder, with everything that can go wrong going wrong.

The workers are beside this file. This program makes the database, fills the queue, starts the workers, kills one of them and
stops another one, reports, and at last counts everything again from the files alone.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from tqdm import tqdm

HERE = Path(__file__).parent
OVER = {"completed", "failed", "expired"}


def main():
    options = parse()
    names = list_files(options)
    with create_database(options.database) as db:
        fill(db, options.path, names)
        crew = Crew(options)
        try:
            drain(db, crew, len(names))
        finally:
            crew.stop()
        explain_lost(db)
        report(db, crew)
        is_right = check(db, crew, options.path, names)
    sys.exit(0 if is_right else 1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, help="the folder (default: /usr/share/doc, or a larger one if that is nearly empty)")
    parser.add_argument("--files", type=int, default=20_000, help="how many of them at most")
    parser.add_argument("--workers", type=int, default=3, help="how many Python workers, beside one in bash")
    parser.add_argument("--pause", type=float, default=0, help="seconds that a Python worker takes longer for each file")
    parser.add_argument("--database", default="demo_queue", help="the database, which is made anew")
    return parser.parse_args()


def list_files(options):
    """The files as paths below the folder; links are left out, and so are names that no subject of a fact may have."""
    folders = [options.path] if options.path else [Path("/usr/share/doc"), Path("/usr/share"), Path("/usr/include")]
    for folder in folders:
        found = sorted(
            os.path.relpath(os.path.join(parent, name), folder)
            for parent, _, names in os.walk(folder)
            for name in names
            if is_readable(os.path.join(parent, name))
        )
        names = [name for name in found if len(name) <= 200 and name.isprintable()][: options.files]
        if len(names) >= 200 or folder is folders[-1]:
            break
        print(f"{folder} has {len(names)} files only, so another folder is taken.")
    if not names:
        sys.exit(f"There is no file below {folder}.")
    options.path = folder
    print(f"{len(names)} files below {folder}", end="")
    print(f"; {len(found) - len(names)} more are left out." if len(found) > len(names) else ".")
    return names


def is_readable(path):
    return os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK)


def create_database(name):
    with psycopg.connect(autocommit=True) as admin:
        quoted = sql.Identifier(name)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(quoted))
        admin.execute(sql.SQL("create database {}").format(quoted))
    db = psycopg.connect(dbname=name, autocommit=True)
    db.execute("create extension task_mgmt")
    return db


def fill(db, folder, names):
    db.execute("select create_project('files')")
    kind = {"task_type": "checksum", "lease_seconds": 3, "max_attempts": 4, "backoff": {"base_seconds": 0.1, "jitter": 0.5}}
    db.execute("select create_task_type('files', %s)", (Jsonb(kind),))
    for user in ("python", "bash"):
        worker = {"user_id": user, "qualified_task_types": ["checksum"], "capacity": "unlimited"}
        db.execute("select create_user('files', %s)", (Jsonb(worker),))
    tasks = [describe(folder, name, number) for number, name in enumerate(names)]
    tasks.append(describe(folder, "a file that has gone", 1))
    names.append("a file that has gone")
    for first in range(0, len(tasks), 5000):
        db.execute("select create_tasks('files', %s)", (Jsonb(tasks[first : first + 5000]),))


def describe(folder, name, number):
    """Every tenth fails once or twice, one of 500 always; one of 300 is not urgent and soon worth nothing."""
    failures = 99 if number % 500 == 250 else number // 10 % 2 + 1 if number % 10 == 5 else 0
    task = {
        "task_type": "checksum",
        "title": name,
        "params": {"path": str(folder / name), "name": name, "failures": failures},
        "unique_key": name,
    }
    return task | {"priority": "low", "ttl_seconds": 0.2} if number % 300 == 150 else task


class Crew:
    """The worker processes, by instance."""

    def __init__(self, options):
        programs = os.path.dirname(os.environ.get("PG_CONFIG", ""))  # Debian has a slower psql on the PATH
        path = os.pathsep.join(filter(None, [programs, os.environ["PATH"]]))
        environment = os.environ | {"PGDATABASE": options.database, "PATH": path}
        commands = {
            f"python-{number}": [sys.executable, HERE / "worker.py", f"python-{number}", str(options.pause)]
            for number in range(1, options.workers + 1)
        } | {"bash-1": [HERE / "worker.sh", "bash-1"]}
        self.processes = {
            instance: subprocess.Popen(command, env=environment) for instance, command in commands.items()
        }
        self.killed, self.lost, self.stopped = None, 0, None

    def kill_one(self, db):
        """Kills a worker that holds tasks. It is halted first, so that it cannot finish them meanwhile."""
        instance = "python-1"
        process = self.processes[instance]
        process.send_signal(signal.SIGSTOP)
        held = "select count(*) from task_mgmt.held_tasks where instance = %s"
        self.lost = settled(lambda: db.execute(held, (instance,)).fetchone()[0])
        process.send_signal(signal.SIGKILL if self.lost else signal.SIGCONT)
        if self.lost:
            self.killed = instance
            process.wait()

    def stop_one(self):
        """Asks a worker to stop, which hands its tasks back."""
        self.stopped = "python-2" if "python-2" in self.processes else None
        if self.stopped:
            self.processes[self.stopped].terminate()

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()


def settled(look):
    """What a look finds once it finds the same twice: what a halted worker has sent before is then through."""
    found = look()
    while True:
        time.sleep(0.05)
        before, found = found, look()
        if found == before:
            return found


def drain(db, crew, total):
    over = 0
    with tqdm(total=total, unit="file", disable=None, dynamic_ncols=True) as bar:
        while over < total:
            counts = dict(db.execute("select status::text, count(*) from task_mgmt.tasks group by status").fetchall())
            over = sum(counts.get(status, 0) for status in OVER)
            bar.update(over - bar.n)
            bar.set_postfix({status: count for status, count in sorted(counts.items()) if status not in OVER})
            if crew.killed is None and over > total * 0.2:
                crew.kill_one(db)
            elif crew.stopped is None and over > total * 0.5:
                crew.stop_one()
            db.execute("select sweep()")  # as pg_cron would do it
            time.sleep(0.05)


def explain_lost(db):
    """A worker that gives a task up says why; of one whose last attempt ended with its lease, nobody has."""
    db.execute(
        """select create_conversation('files', task_id, jsonb_build_object('content', error))
        from task_mgmt.tasks where status = 'failed' and conversation_count = 0"""
    )


def report(db, crew):
    def show(title, statement):
        print(f"\n{title}")
        for row in db.execute(statement):
            print("  " + "  ".join(f"{value:>8,}" if isinstance(value, int) else f"{value:<12}" for value in row))

    (seconds,) = db.execute(
        "select extract(epoch from max(occurred_at) - min(occurred_at))::float8 from task_mgmt.events where kind in ('started', 'completed')"
    ).fetchone()
    (count,) = db.execute("select count(*) from task_mgmt.tasks").fetchone()
    print(f"\n{count:,} tasks in {seconds:.1f} seconds, {count / seconds:,.0f} a second")
    if crew.killed:
        print(f"{crew.killed} was killed while it held {crew.lost} tasks", end="")
        print(f"; {crew.stopped} was asked to stop" if crew.stopped else "")
    show("How they ended", "select count(*), status::text from task_mgmt.tasks group by status order by 1 desc")
    show(
        "What happened on the way",
        "select count(*), kind::text from task_mgmt.events where kind in ('started', 'retried', 'lease_expired', 'handed_back') group by kind order by 1 desc",
    )
    show(
        "Attempts needed",
        "select count(*), attempts::text from task_mgmt.tasks where status = 'completed' group by attempts order by attempts",
    )
    show("Completed by", "select count(*), instance from task_mgmt.tasks where status = 'completed' group by instance order by instance")
    show(
        "Facts: the most frequent suffixes",
        "select count(*), tag from task_mgmt.facts, unnest(tags) as tag group by tag order by 1 desc, 2 limit 5",
    )
    show(
        "Facts: files that are there more than once",
        """select count(*), 'contents', sum(copies), 'files', sum(bytes * (copies - 1))::bigint, 'bytes too many'
        from (select count(*) as copies, max((metadata->>'bytes')::bigint) as bytes
            from task_mgmt.facts where predicate = 'sha256' group by object_data having count(*) > 1) as content""",
    )
    show(
        "Conversations about failed tasks, the first five",
        "select t.title, c.content from task_mgmt.conversations c join task_mgmt.tasks t using (project_name, task_id) order by c.created_at limit 5",
    )


def check(db, crew, folder, names):
    """Counts again, from the files alone, what the database should have."""
    wrong = []
    ends = dict(db.execute("select title, status::text from task_mgmt.tasks").fetchall())
    if sorted(ends) != sorted(names):
        wrong.append("the tasks are not the files")
    found = {}
    for name, digest in db.execute("select subject, object_data #>> '{}' from task_mgmt.facts where predicate = 'sha256'"):
        found.setdefault(name, []).append(digest)
    for name, status in ends.items():
        expected = [sha256(folder / name)] if status == "completed" else []
        if found.get(name, []) != expected:
            wrong.append(f"{name} is {status} and has the checksums {found.get(name, [])}, not {expected}")
    queries = {
        "ended more or less than once": """select t.title from task_mgmt.tasks t
            where (select count(*) from task_mgmt.events e where e.project_name = t.project_name and e.task_id = t.task_id
                and e.kind in ('completed', 'failed', 'expired')) <> 1""",
        "was started and not ended": """select e.task_id from task_mgmt.events e group by e.task_id
            having count(*) filter (where e.kind = 'started') <> count(*) filter (where e.kind in ('completed', 'retried', 'lease_expired', 'handed_back', 'failed'))""",
        "failed without a conversation": """select title from task_mgmt.tasks
            where (status = 'failed') <> (conversation_count > 0)""",
        "breaks an invariant": "select invariant || ': ' || object || ', ' || detail from task_mgmt.check_invariants()",
    }
    for what, statement in queries.items():
        wrong += [f"{title} {what}" for (title,) in db.execute(statement)]
    ended = "select count(*) from task_mgmt.events where kind = 'lease_expired' or detail like 'The lease of %ended.'"
    (lost,) = db.execute(ended).fetchone()
    if lost < crew.lost:
        wrong.append(f"{crew.lost} leases were lost with {crew.killed}, but {lost} ended")
    print("\nCounted again from the files:", "; ".join(wrong[:10]) if wrong else "every checksum is right and there once, every task ended once.")
    return not wrong


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
