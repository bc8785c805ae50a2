// Jobs that do nothing, in graphile-worker.
//
//   node graphile-worker.js prepare JOBS
//   node graphile-worker.js single|batched JOBS      prints the seconds that it took to work them off

import { Logger, makeWorkerUtils, run } from 'graphile-worker';

const CONCURRENCY = 32;
const CHUNK = 10_000;

const [command, count] = process.argv.slice(2);
const jobs = Number(count);
const common = { logger: new Logger(() => () => {}) };
const single = { concurrentJobs: CONCURRENCY, maxPoolSize: CONCURRENCY + 2 };
const presets = {
    single,
    // As in its documentation of performance.
    batched: { ...single, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

if (command === 'prepare') {
    await prepare();
} else {
    console.log(await drain(presets[command]));
}

async function prepare() {
    const utils = await makeWorkerUtils(common);
    await utils.migrate();
    for (let first = 0; first < jobs; first += CHUNK) {
        const chunk = Array.from({ length: Math.min(CHUNK, jobs - first) }, (_, n) => ({
            identifier: 'work',
            payload: { n: first + n },
        }));
        await utils.addJobs(chunk);
    }
    await utils.release();
}

async function drain(worker) {
    let done = 0;
    const allDone = Promise.withResolvers();
    const work = async () => {
        done += 1;
        if (done === jobs) allDone.resolve();
    };
    const begin = performance.now();
    const runner = await run({ ...common, preset: { worker }, taskList: { work }, noHandleSignals: true });
    await allDone.promise;
    await runner.stop();
    return (performance.now() - begin) / 1000;
}
