// SPDX-License-Identifier: BSD-3-Clause
//
// Failovers under load: what callers see of them.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { GROUP, House, Lab, type Postgres, type Server, waitUntil } from './lab.js';
import { newSessionId } from '../src/sessions.js';
import { assertBounded, assertUnnoticed, Backend, Load, makeSchema, type Outcome } from './stage.js';

const PER_SECOND = 300;
const lab = new Lab();
let postgres: Postgres;
let house: House;
let backend: Backend;
const backends: Backend[] = [];

before(async () => {
  [postgres, house] = await Promise.all([lab.postgres(), House.build(lab)]);
  await makeSchema(postgres);
  backend = new Backend(house.environment, postgres);
  backends.push(backend);
});

beforeEach(async () => {
  await house.restore();
  await house.waitReady();
  await backend.ready();
});

after(async () => {
  try {
    await Promise.all(backends.map((one) => one.close()));
  } finally {
    await lab.close();
  }
});

/** Until a raw write of the backend is at that server; ms since `start`. */
async function writesArrive(at: Server, start: number): Promise<number> {
  return waitUntil(`writes at ${at.name}`, async () => {
    const key = newSessionId();
    await backend.redis.write((primary) => primary.set(key, 'x'));
    return (await at.ask('GET', key)) === 'x' ? performance.now() - start : undefined;
  });
}

function report(what: string, outcome: Outcome, ms: number): void {
  process.stdout.write(
    `${what}: writes at the new primary after ${ms.toFixed(0)} ms; ${outcome.calls} session calls, ${outcome.sessionErrors.length} errors, ` +
      `${outcome.lost.length} lost, slowest ${outcome.slowestMs.toFixed(0)} ms; raw writes ${outcome.rawWrites}, failed ${outcome.rawErrors.length}\n`,
  );
}

describe('failover under load', () => {
  it('the primary is killed', async () => {
    const old = await house.primary();
    const reads = await backend.metric('app_redis_command_duration_seconds_count', { kind: 'read', target: 'replica' });
    let ms = 0;
    const outcome = await Load.during(backend, PER_SECOND, async () => {
      const start = performance.now();
      await old.kill();
      ms = await writesArrive(await house.waitSwitch(old), start);
    });
    report('kill', outcome, ms);
    assertBounded(outcome, backend.redis.settings.timeoutMs);
    assert(outcome.calls > 100);
    assert((await backend.metric('app_redis_command_duration_seconds_count', { kind: 'read', target: 'replica' })) > reads + 50);
  });

  it('the primary hangs', async () => {
    const old = await house.primary();
    let ms = 0;
    const outcome = await Load.during(backend, PER_SECOND, async () => {
      const start = performance.now();
      old.pause();
      ms = await writesArrive(await house.waitSwitch(old), start);
    });
    report('hang', outcome, ms);
    assertBounded(outcome, backend.redis.settings.timeoutMs);
  });

  it('a replica hangs: reads go to others', async () => {
    const asked = backend.redis.connections().find((one) => one.target === 'replica')?.server;
    const replica = house.servers.find((one) => `${one.host} ${one.port}` === asked);
    assert(replica);
    const outcome = await Load.during(backend, PER_SECOND, async () => {
      const errors = await backend.metric('app_redis_errors_total', { target: 'replica' });
      replica.pause();
      await waitUntil('it is noticed', async () => (await backend.metric('app_redis_errors_total', { target: 'replica' })) > errors);
      const hits = await backend.metric('app_session_cache_lookups_total', { result: 'hit' });
      await waitUntil('sessions are found', async () => (await backend.metric('app_session_cache_lookups_total', { result: 'hit' })) > hits + 200);
    });
    assertUnnoticed(outcome);
    assertBounded(outcome, backend.redis.settings.timeoutMs);
  });

  it('switched over by order: the backend is at the new primary at once', async () => {
    const old = await house.primary();
    let ms = 0;
    let hitRate = 0;
    const outcome = await Load.during(backend, PER_SECOND, async (load) => {
      hitRate = await backend.hitRate(async () => {
        const start = performance.now();
        await house.vedettes[0]?.ask('SENTINEL', 'FAILOVER', GROUP, 'COORDINATED');
        ms = await writesArrive(await house.waitSwitch(old), start);
        await waitUntil('a second of load', () => load.outcome.calls > PER_SECOND);
      });
    });
    report('switchover', outcome, ms);
    assertBounded(outcome, backend.redis.settings.timeoutMs);
    assert(ms < 2000 + 2 * outcome.lateMs, `${ms} ms`);
    assertUnnoticed(outcome);
    assert(hitRate > 0.85, `hit rate ${hitRate}`);
  });

  it('the vedette that was asked first dies, then the primary', async () => {
    const asked = house.vedettes[0];
    await asked?.kill();
    const old = await house.primary();
    const outcome = await Load.during(backend, PER_SECOND, async () => {
      await old.kill();
      await writesArrive(await house.waitSwitch(old), performance.now());
    });
    assertBounded(outcome, backend.redis.settings.timeoutMs);
  });

  it('no vedette is left, and REDIS_SINGLE=yes goes back to one server', async () => {
    const primary = await house.primary();
    const saved = await backend.sessions.save(newSessionId(), { kept: true });
    const id = newSessionId();
    const kept = await backend.sessions.save(id, { kept: true });
    assert(kept.version > saved.version);
    await Promise.all(house.vedettes.map((one) => one.kill()));
    const single = new Backend({ ...house.environment, REDIS_URL: `redis://${primary.address}`, REDIS_SINGLE: 'yes' }, postgres);
    backends.push(single);
    await single.ready();
    assert.equal(single.redis.connections().length, 1);
    assert.deepEqual(await single.sessions.load(id), kept);
    assert.equal(await single.metric('app_session_cache_lookups_total', { result: 'hit' }), 1);
    await single.sessions.save(id, { kept: 'still' });
    assert.deepEqual((await backend.sessions.load(id, { atLeast: kept.version + 1 }))?.data, { kept: 'still' });
    assert.equal((await backend.ready()).redis.connections().length, 3, 'who is connected goes on without vedettes');
  });
});
