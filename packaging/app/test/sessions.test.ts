// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { House, Lab, type Postgres, type Server, waitUntil } from './lab.js';
import { SessionCache } from '../src/session_cache.js';
import { newSessionId, type Session } from '../src/sessions.js';
import { assertBounded, Backend, Load, makeSchema } from './stage.js';

const lab = new Lab();
let postgres: Postgres;
let house: House;
let primary: Server;
let mine: Backend;
let other: Backend;
const backends: Backend[] = [];

before(async () => {
  [postgres, house] = await Promise.all([lab.postgres(), House.build(lab)]);
  await makeSchema(postgres);
  primary = await house.primary();
  mine = new Backend(house.environment, postgres);
  other = new Backend(house.environment, postgres);
  backends.push(mine, other);
  await Promise.all([mine.ready(), other.ready()]);
});

after(async () => {
  try {
    await Promise.all(backends.map((one) => one.close()));
  } finally {
    await lab.close();
  }
});

/** As if Redis had missed the last write. */
async function age(id: string, session: Session, data: object): Promise<void> {
  const text = `${session.version - 1} session ${session.expiresAt} ${JSON.stringify(data)}`;
  await primary.ask('SET', `session:${id}`, text);
  for (const server of house.servers) await waitUntil('replicated', async () => (await server.ask('GET', `session:${id}`)) === text);
}

describe('sessions', () => {
  it('are saved, found in Redis, touched, destroyed', async () => {
    const id = newSessionId();
    assert.equal(await mine.sessions.load(id), undefined);
    const first = await mine.sessions.save(id, { user: 1 });
    const second = await mine.sessions.save(id, { user: 2, text: 'ü\n' });
    assert(second.version > first.version);
    const hits = await other.metric('app_session_cache_lookups_total', { result: 'hit' });
    assert.deepEqual(await other.sessions.load(id, { atLeast: second.version }), second);
    assert.equal(await other.metric('app_session_cache_lookups_total', { result: 'hit' }), hits + 1);
    const third = await other.sessions.touch(id);
    assert(third && third.version > second.version && third.expiresAt >= second.expiresAt);
    await mine.sessions.destroy(id);
    assert.equal(await mine.sessions.load(id), undefined);
    assert.equal(await other.sessions.touch(id), undefined);
    await waitUntil('others know it, too', async () => (await other.sessions.load(id)) === undefined);
  });

  it('with ids that are none do not trouble anybody', async () => {
    assert.equal(await mine.sessions.load("x'; DROP TABLE sessions"), undefined);
    await assert.rejects(mine.sessions.save('short', {}), TypeError);
    await mine.sessions.destroy('');
  });

  it('are not older than what their user, or this process, has seen', async () => {
    const id = newSessionId();
    const session = await mine.sessions.save(id, { n: 2 });
    await age(id, session, { n: 1 });
    assert.deepEqual((await other.sessions.load(id))?.data, { n: 1 }, 'who does not say, gets what the replica has');
    assert.deepEqual((await mine.sessions.load(id))?.data, { n: 2 }, 'who wrote it');
    await mine.sessions.settle();
    await age(id, session, { n: 1 });
    assert.deepEqual((await other.sessions.load(id, { atLeast: session.version }))?.data, { n: 2 });
    await other.sessions.settle();
    assert.equal(String(await primary.ask('GET', `session:${id}`)).split(' ')[0], `${session.version}`, 'the copy is repaired');
  });

  it('are not brought back, nor turned back, by a slow reader', async () => {
    const cache = new SessionCache(mine.redis, 60_000);
    const id = newSessionId();
    const old = await mine.sessions.save(id, { n: 1 });
    const young = await mine.sessions.save(id, { n: 2 });
    await cache.put(id, { kind: 'session', session: old });
    assert.deepEqual(await cache.get(id, true), { kind: 'session', session: young });
    await mine.sessions.destroy(id);
    await cache.put(id, { kind: 'session', session: young });
    assert.equal((await cache.get(id, true))?.kind, 'gone');
  });

  it('that many save at once are in Redis what they are in PostgreSQL', async () => {
    const id = newSessionId();
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? mine : other).sessions.save(id, { n })));
    const { rows } = await mine.pool.query<{ version: string; data: unknown }>('SELECT version, data FROM sessions WHERE id = $1', [id]);
    const copy = await new SessionCache(mine.redis, 60_000).get(id, true);
    assert(copy?.kind === 'session');
    assert.deepEqual([`${copy.session.version}`, copy.session.data], [rows[0]?.version, rows[0]?.data]);
  });

  it('that have expired are gone, and swept', async () => {
    const id = newSessionId();
    await mine.pool.query("INSERT INTO sessions VALUES ($1, nextval('session_versions'), '{}', now() - interval '1 second')", [id]);
    assert.equal(await mine.sessions.load(id), undefined);
    assert((await mine.sessions.sweep()) >= 1);
  });

  it('whose copies Redis refuses are the caller\'s no trouble, and are repaired', async () => {
    const id = newSessionId();
    await mine.sessions.save(id, { n: 1 });
    await waitUntil('the other reads the copy', () => other.sessions.load(id));
    await primary.ask('CONFIG', 'SET', 'min-replicas-to-write', '9');
    // How many it takes depends on the successes that its window still holds.
    let n = 1;
    await waitUntil('the breaker opens', async () => {
      await mine.sessions.save(id, { n: ++n });
      return (await mine.metric('app_redis_errors_total', { reason: 'open' })) > 0;
    });
    assert((await mine.metric('app_redis_errors_total', { reason: 'refused' })) > 0);
    assert.equal(await mine.metric('app_redis_breaker_opened_total', { breaker: 'primary' }), 1);
    assert.deepEqual((await mine.sessions.load(id))?.data, { n });
    await waitUntil('half open', async () => (await mine.metric('app_redis_breaker_state', { breaker: 'primary', state: 'half_open' })) === 1);
    await primary.ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await mine.sessions.save(newSessionId(), {});
    assert.equal(await mine.metric('app_redis_breaker_state', { breaker: 'primary', state: 'closed' }), 1, 'one call that succeeds');
    await mine.sessions.settle();
    assert((await mine.metric('app_session_cache_repairs_total', { result: 'done' })) >= 1);
    await waitUntil('the other process sees it', async () => (await other.sessions.load(id))?.data.n === n);
  });

  it('in a key of another type, or without rights, come from PostgreSQL', async () => {
    const id = newSessionId();
    const session = await mine.sessions.save(id, { n: 1 });
    await primary.ask('DEL', `session:${id}`);
    await primary.ask('LPUSH', `session:${id}`, 'x');
    assert.deepEqual((await other.sessions.load(id, { atLeast: session.version }))?.data, { n: 1 });
    await mine.sessions.save(id, { n: 2 });
    assert((await mine.metric('app_redis_errors_total', { reason: 'reply' })) >= 1);
    assert.equal(mine.redis.connections()[0]?.breakerState, 'closed', 'an error reply is no outage');
  });

  it('are read from the primary when there is no replica', async () => {
    await Promise.all(house.servers.filter((one) => one !== primary).map((one) => one.kill()));
    const id = newSessionId();
    const session = await mine.sessions.save(id, { n: 1 });
    const fallbacks = await other.metric('app_redis_read_fallbacks_total');
    await waitUntil('a hit at the primary', async () => {
      const hits = await other.metric('app_session_cache_lookups_total', { result: 'hit' });
      assert.deepEqual(await other.sessions.load(id), session);
      return (await other.metric('app_session_cache_lookups_total', { result: 'hit' })) > hits;
    });
    assert((await other.metric('app_redis_read_fallbacks_total')) > fallbacks);
    for (const server of house.servers) if (!server.isRunning) await server.start();
    await Promise.all([mine.ready(), other.ready()]);
  });

  it('survive that Redis is gone, and come back into it', async () => {
    await house.waitReady();
    const outcome = await Load.during(mine, 200, async () => {
      await Promise.all(house.servers.map((one) => one.kill()));
      await waitUntil('the breaker opens', async () => (await mine.metric('app_redis_breaker_state', { breaker: 'primary', state: 'closed' })) === 0);
      const before = await mine.metric('app_session_load_duration_seconds_count', { source: 'database' });
      await waitUntil('PostgreSQL answers', async () => (await mine.metric('app_session_load_duration_seconds_count', { source: 'database' })) > before + 20);
      await Promise.all(house.servers.map((one) => one.start()));
      await mine.ready();
      const hits = await mine.metric('app_session_cache_lookups_total', { result: 'hit' });
      await waitUntil('Redis answers', async () => (await mine.metric('app_session_cache_lookups_total', { result: 'hit' })) > hits + 50);
    });
    assertBounded(outcome, mine.redis.settings.timeoutMs);
  });
});
