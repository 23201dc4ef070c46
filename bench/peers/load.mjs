// @ts-check
/**
 * A process that loads one node: so many clients of the cluster at once, each fetching one object over and over on a
 * connection of its own. Prints what came: `{"bytes","requests","errors","seconds"}`.
 *   node bench/peers/load.mjs HOME PORT ID CLIENTS SECONDS
 */
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { join } from 'node:path';

const [home = '', port = '', id = '', clients = '', seconds = ''] = process.argv.slice(2);
const read = (/** @type {string} */ name) => readFileSync(join(home, 'node', name));
const identity = { key: read('key.pem'), cert: read('certificate.pem'), ca: read('ca.pem') };
const total = { bytes: 0, requests: 0, errors: 0 };
/** @type {Record<string, number>} */
const reasons = {};
const startedMs = performance.now();
const endMs = startedMs + Number(seconds) * 1000;

/** @param {Agent} agent */
function fetchOnce(agent) {
  return new Promise((resolve) => {
    const fail = (/** @type {string} */ why) => {
      total.errors++;
      reasons[why] = (reasons[why] ?? 0) + 1;
      resolve(undefined);
    };
    const asking = get({ agent, host: '127.0.0.1', port, path: `/chunk?id=${id}` }, (answer) => {
      answer.on('data', (part) => {
        total.bytes += part.byteLength;
      });
      answer.on('end', () => {
        if (answer.statusCode !== 200) fail(String(answer.statusCode));
        else total.requests++;
        resolve(undefined);
      });
      answer.on('error', (error) => fail(error.message));
    });
    asking.on('error', (error) => fail(error.message));
  });
}

async function client() {
  const agent = new Agent({
    ...identity,
    keepAlive: true,
    maxSockets: 1,
    checkServerIdentity: () => undefined,
  });
  while (performance.now() < endMs) await fetchOnce(agent);
  agent.destroy();
}

await Promise.all(Array.from({ length: Number(clients) }, client));
console.log(JSON.stringify({ ...total, seconds: (performance.now() - startedMs) / 1000, reasons }));
