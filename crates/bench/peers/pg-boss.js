// Jobs that do nothing, in pg-boss.
//
//   node pg-boss.js prepare JOBS
//   node pg-boss.js single|batched JOBS      prints the seconds that it took to work them off

import { PgBoss } from 'pg-boss';

const CONCURRENCY = 32;
const BATCH = 100;
const CHUNK = 10_000;
const QUEUE = 'work';

const [command, count] = process.argv.slice(2);
const jobs = Number(count);
const boss = new PgBoss({
    host: process.env.PGHOST,
    port: Number(process.env.PGPORT),
    user: process.env.PGUSER,
    database: process.env.PGDATABASE,
    max: CONCURRENCY + 2,
    schedule: false,
    supervise: false,
});
boss.on('error', (error) => {
    throw error;
});

await boss.start();
if (command === 'prepare') {
    await prepare();
} else {
    const begin = performance.now();
    await { single: drainSingly, batched: drainInBatches }[command]();
    console.log((performance.now() - begin) / 1000);
}
await boss.stop({ close: true });

async function prepare() {
    await boss.createQueue(QUEUE);
    for (let first = 0; first < jobs; first += CHUNK) {
        await boss.insert(QUEUE, Array.from({ length: Math.min(CHUNK, jobs - first) }, (_, n) => ({ data: { n: first + n } })));
    }
}

// Its workers wait half a second between jobs that they fetch one by one, so this calls what they call.
async function drainSingly() {
    const worker = async () => {
        for (;;) {
            const [job] = await boss.fetch(QUEUE);
            if (!job) return;
            await boss.complete(QUEUE, job.id);
        }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function drainInBatches() {
    let done = 0;
    const allDone = Promise.withResolvers();
    const options = {
        batchSize: BATCH,
        localConcurrency: CONCURRENCY,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
    };
    await boss.work(QUEUE, options, async (batch) => {
        done += batch.length;
        if (done === jobs) allDone.resolve();
    });
    await allDone.promise;
    await boss.offWork(QUEUE, { wait: true });
}
