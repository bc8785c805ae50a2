// A worker: node worker.mjs PROJECT USER [LEASE_SECONDS]. PGHOST, PGDATABASE and so on lead to the database.

import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const [PROJECT, USER, LEASE_SECONDS = 30] = process.argv.slice(2);
const INSTANCE = `${os.hostname()}-${process.pid}`;

// Your work goes here; this one waits. What it returns is the result, what it throws the error.
async function work(task, lost) {
  await sleep(task.params.seconds * 1000, null, { signal: lost });
  if (task.attempt <= (task.params.failures ?? 0)) throw new Error(`attempt ${task.attempt} went wrong`);
  return { done_by: "Node" };
}

async function run() {
  for (;;) {
    const [task] = await rows(
      "select * from claim_tasks($1, $2, lease_seconds => $3, instance => $4)", PROJECT, USER, LEASE_SECONDS, INSTANCE);
    if (!task) {
      await sleep(1000);
      continue;
    }
    const lost = new AbortController();
    const beat = setInterval(async () => {
      const answer = await call("heartbeat", task.task_id, task.lease_token).catch(console.error);
      if (answer === "lost" || answer === "cancelled") lost.abort(answer);
    }, (LEASE_SECONDS * 1000) / 3);
    let answer;
    try {
      answer = await call("complete_task", task.task_id, task.lease_token, await work(task, lost.signal));
    } catch (error) {
      answer = await call("fail_task", task.task_id, task.lease_token, error.message);
    } finally {
      clearInterval(beat);
    }
    console.log(task.task_id, answer);
  }
}

// One connection, so that calls come one after the other; the pool replaces it when it breaks.
const pool = new pg.Pool({ max: 1 });
pool.on("error", console.error);

async function rows(statement, ...values) {
  return (await pool.query(statement, values)).rows;
}

async function call(name, ...values) {
  const marks = [PROJECT, ...values].map((_, at) => `$${at + 1}`);
  return (await rows(`select ${name}(${marks}) as answer`, PROJECT, ...values))[0].answer;
}

process.on("SIGTERM", async () => {
  await call("release_tasks", USER, INSTANCE);
  process.exit();
});
for (;;) {
  try {
    await call("release_tasks", USER, INSTANCE); // what this process held when its connection broke
    await run();
  } catch (error) {
    console.error(error.message);
    await sleep(1000);
  }
}
