// SPDX-License-Identifier: BSD-3-Clause
//
// One backend process as the tests play it: settings, connections, sessions, metrics; and the load on it.
import assert from 'node:assert/strict';
import type { Pool } from 'pg';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics, readRedisSettings, RedisAccess, RedisUnavailable } from '../src/redis.js';
import { newSessionId, Sessions } from '../src/sessions.js';
import { type Postgres, waitUntil } from './lab.js';

export class Backend {
  readonly lines: string[] = [];
  readonly metrics = new Metrics();
  readonly redis: RedisAccess;
  readonly pool: Pool;
  readonly sessions: Sessions;

  constructor(environment: Record<string, string>, postgres: Postgres) {
    this.redis = new RedisAccess(readRedisSettings(environment), {
      metrics: this.metrics, log: (line) => this.lines.push(`${performance.now().toFixed(0)} ms: ${line}`),
    });
    this.pool = postgres.pool();
    this.metrics.watchPool(this.pool);
    this.sessions = new Sessions(this.redis, this.pool, { lifetimeMs: 3_600_000, cacheMs: 600_000 });
  }

  /** Until it is connected with the primary and with as many replicas as it wants. */
  async ready(): Promise<this> {
    await waitUntil('connections are ready', async () => {
      // A breaker that is half open waits for somebody to try.
      await Promise.allSettled([this.redis.read((one) => one.ping()), this.redis.write((primary) => primary.ping())]);
      const state = this.redis.connections().map((one) => `${one.name} ${one.status} ${one.breakerState}`);
      assert(state.every((one) => one.endsWith(' ready closed')), [...state, ...this.lines.slice(-30)].join('\n'));
      return true;
    });
    return this;
  }

  /** The sum of a metric's values over all label sets that have these labels. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const text = await this.metrics.registry.metrics();
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    const lines = text.split('\n').filter((line) => /^[^#{ ]+/.exec(line)?.[0] === name && wanted.every((one) => line.includes(one)));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** The hit rate of what is looked up while `act` is done. */
  async hitRate(act: () => Promise<void>): Promise<number> {
    const count = (): Promise<[number, number]> =>
      Promise.all([this.metric('app_session_cache_lookups_total', { result: 'hit' }), this.metric('app_session_cache_lookups_total')]);
    const [hits, all] = await count();
    await act();
    const [hitsAfter, allAfter] = await count();
    return (hitsAfter - hits) / (allAfter - all);
  }

  async close(): Promise<void> {
    this.redis.close();
    await this.sessions.settle();
    await this.pool.end();
  }
}

// Where all is slow the load does not make it slower.
const MOST_UNDER_WAY = 200;
const IS_LATE_MS = 50;

export async function makeSchema(postgres: Postgres): Promise<void> {
  const pool = postgres.pool(1);
  await pool.query(readFileSync(process.env.SCHEMA ?? 'schema.sql', 'utf8'));
  await pool.end();
}

export interface Outcome {
  calls: number;
  /** What callers of sessions were thrown: there should be none. */
  sessionErrors: unknown[];
  /** Sessions that were there and were not found, or were found older than last saved. */
  lost: string[];
  rawWrites: number;
  rawErrors: { error: unknown; ms: number }[];
  slowestMs: number;
  /** How late this process itself was, for want of a processor. */
  lateMs: number;
}

/** Sessions are loaded and saved, four to one, and raw writes made, at a rate, until stop(). */
export class Load {
  readonly outcome: Outcome = { calls: 0, sessionErrors: [], lost: [], rawWrites: 0, rawErrors: [], slowestMs: 0, lateMs: 0 };
  readonly #last = new Map<string, { version: number; count: number }>();
  readonly #running: Promise<void>;
  #isOver = false;

  private constructor(private readonly backend: Backend, private readonly ids: readonly string[], private readonly perSecond: number) {
    this.#running = this.#run();
  }

  /** The load while `act` is done, and what became of it. */
  static async during(backend: Backend, perSecond: number, act: (load: Load) => Promise<void>): Promise<Outcome> {
    const load = await Load.#start(backend, 50, perSecond);
    try {
      await act(load);
    } finally {
      await load.stop();
    }
    return load.outcome;
  }

  static async #start(backend: Backend, count: number, perSecond: number): Promise<Load> {
    const ids = Array.from({ length: count }, newSessionId);
    const load = new Load(backend, ids, 0);
    await load.stop();
    await Promise.all(ids.map((id) => load.#save(id)));
    const started = new Load(backend, ids, perSecond);
    for (const [id, last] of load.#last) started.#last.set(id, last);
    return started;
  }

  async #save(id: string): Promise<void> {
    const before = this.#last.get(id)?.count ?? 0;
    const { version } = await this.backend.sessions.save(id, { count: before + 1 });
    this.#last.set(id, { version, count: before + 1 });
  }

  async #check(id: string): Promise<void> {
    const last = this.#last.get(id);
    const session = await this.backend.sessions.load(id, last ? { atLeast: last.version } : {});
    if (!session || session.version < (last?.version ?? 0)) this.outcome.lost.push(`${id}: ${session?.version} of ${last?.version}`);
  }

  async #one(turn: number): Promise<void> {
    const start = performance.now();
    const id = this.ids[turn % this.ids.length] ?? '';
    this.outcome.calls += 1;
    try {
      await (turn % 5 === 0 ? this.#save(id) : this.#check(id));
    } catch (error) {
      this.outcome.sessionErrors.push(error);
    }
    this.outcome.slowestMs = Math.max(this.outcome.slowestMs, performance.now() - start);
    if (turn % 10 === 0) await this.#rawWrite(turn);
  }

  async #rawWrite(turn: number): Promise<void> {
    const start = performance.now();
    this.outcome.rawWrites += 1;
    try {
      await this.backend.redis.write((primary) => primary.set(`raw:${turn}`, turn));
    } catch (error) {
      this.outcome.rawErrors.push({ error, ms: performance.now() - start });
    }
  }

  async #run(): Promise<void> {
    const start = performance.now();
    const under_way = new Set<Promise<void>>();
    for (let turn = 0; this.perSecond > 0 && !this.#isOver; ) {
      for (const due = ((performance.now() - start) * this.perSecond) / 1000; turn < due && under_way.size < MOST_UNDER_WAY; turn++) {
        const one = this.#one(turn).finally(() => under_way.delete(one));
        under_way.add(one);
      }
      const asleep = performance.now();
      await sleep(2);
      this.outcome.lateMs = Math.max(this.outcome.lateMs, performance.now() - asleep - 2);
    }
    await Promise.all(under_way);
  }

  /** Ends the load, and looks at each session once more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await this.backend.sessions.settle();
    await Promise.all([...this.#last.keys()].map((id) => this.#check(id)));
  }
}

/** What an outage of Redis may be to callers: nothing for sessions, quick and honest for the rest. */
export function assertBounded(outcome: Outcome, timeoutMs: number): void {
  assert.deepEqual(outcome.sessionErrors.slice(0, 3).map(String), []);
  assert.deepEqual(outcome.lost.slice(0, 3), []);
  for (const { error, ms } of outcome.rawErrors) {
    assert(error instanceof RedisUnavailable, `a caller got ${String(error)}`);
    assert(ms < timeoutMs + 200 + 2 * outcome.lateMs, `an error took ${ms.toFixed(0)} ms: ${error.message}`);
  }
}

/** Nobody noticed: unless the whole machine stood still, and calls timed out for that. */
export function assertUnnoticed(outcome: Outcome): void {
  if (outcome.lateMs < IS_LATE_MS) assert.deepEqual(outcome.rawErrors.slice(0, 3).map(({ error }) => String(error)), []);
}
