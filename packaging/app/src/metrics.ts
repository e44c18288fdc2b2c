// SPDX-License-Identifier: BSD-3-Clause
//
// What Prometheus is told: hit rate, latency, breakers, connections, the pool of PostgreSQL.  Must know
// nothing of how they come about; who has something to tell calls it.
import type { Pool } from 'pg';
import { Counter, Gauge, Registry, Summary } from 'prom-client';
import type { Reason } from './errors.js';
import { HitWindow } from './hit_window.js';

export type Kind = 'read' | 'write';
export type Target = 'primary' | 'replica';
export type BreakerState = 'closed' | 'half_open' | 'open';
export type Lookup = 'hit' | 'miss' | 'stale' | 'error';

/** What a connection with its breaker shows of itself when it is asked. */
export interface Shown {
  readonly name: string;
  readonly target: Target;
  readonly breakerState: BreakerState;
  readonly status: string;
  /** The server, "address port"; empty without a connection. */
  readonly server: string;
}

const STATES: readonly BreakerState[] = ['closed', 'half_open', 'open'];
// The last minute, for the quantiles.
const QUANTILES = { percentiles: [0.5, 0.95, 0.99], maxAgeSeconds: 60, ageBuckets: 6 };

export class Metrics {
  readonly registry: Registry;
  readonly hits = new HitWindow();
  readonly #commands: Summary<'kind' | 'target'>;
  readonly #errors: Counter<'target' | 'reason'>;
  readonly #fallbacks: Counter;
  readonly #opened: Counter<'breaker'>;
  readonly #reconnects: Counter<'connection'>;
  readonly #lookups: Counter<'result'>;
  readonly #repairs: Counter<'result'>;
  readonly #loads: Summary<'source'>;
  readonly #saves: Summary;
  readonly #poolErrors: Counter;

  /** A registry may have one of these only: names would clash. */
  constructor(registry: Registry = new Registry()) {
    this.registry = registry;
    const registers = [registry];
    this.#commands = new Summary({
      name: 'app_redis_command_duration_seconds', help: 'Time of calls to Redis that were answered',
      labelNames: ['kind', 'target'], ...QUANTILES, registers,
    });
    this.#errors = new Counter({
      name: 'app_redis_errors_total', help: 'Calls to Redis that failed: why it was not there, or an error reply',
      labelNames: ['target', 'reason'], registers,
    });
    this.#fallbacks = new Counter({
      name: 'app_redis_read_fallbacks_total', help: 'Reads that asked the primary, as no replica answered', registers,
    });
    this.#opened = new Counter({
      name: 'app_redis_breaker_opened_total', help: 'Times that a breaker has opened', labelNames: ['breaker'], registers,
    });
    this.#reconnects = new Counter({
      name: 'app_redis_reconnects_total', help: 'Connections made anew', labelNames: ['connection'], registers,
    });
    this.#lookups = new Counter({
      name: 'app_session_cache_lookups_total', help: 'Sessions looked for in Redis', labelNames: ['result'], registers,
    });
    this.#repairs = new Counter({
      name: 'app_session_cache_repairs_total',
      help: 'Copies in Redis that had missed a write and were dropped (done), or were too many to remember (skipped)',
      labelNames: ['result'], registers,
    });
    this.#loads = new Summary({
      name: 'app_session_load_duration_seconds', help: 'Time to load a session',
      labelNames: ['source'], ...QUANTILES, registers,
    });
    this.#saves = new Summary({
      name: 'app_session_save_duration_seconds', help: 'Time to save a session', ...QUANTILES, registers,
    });
    this.#poolErrors = new Counter({
      name: 'app_postgres_pool_errors_total', help: 'Idle connections to PostgreSQL that broke', registers,
    });
    const { hits } = this;
    new Gauge({
      name: 'app_session_cache_hit_ratio', help: 'Share of sessions found in Redis in the last five minutes', registers,
      collect() {
        this.set(hits.ratio());
      },
    });
  }

  answered(kind: Kind, target: Target, seconds: number): void {
    this.#commands.observe({ kind, target }, seconds);
  }

  failed(target: Target, reason: Reason | 'reply'): void {
    this.#errors.inc({ target, reason });
  }

  fellBack(): void {
    this.#fallbacks.inc();
  }

  opened(breaker: string): void {
    this.#opened.inc({ breaker });
  }

  reconnected(connection: string): void {
    this.#reconnects.inc({ connection });
  }

  lookedUp(result: Lookup): void {
    this.#lookups.inc({ result });
    this.hits.count(result === 'hit');
  }

  repaired(result: 'done' | 'skipped', count: number): void {
    this.#repairs.inc({ result }, count);
  }

  loaded(source: 'cache' | 'database', seconds: number): void {
    this.#loads.observe({ source }, seconds);
  }

  saved(seconds: number): void {
    this.#saves.observe(seconds);
  }

  /** Shows the connections, as they are whenever somebody asks. Once. */
  watchConnections(list: () => readonly Shown[]): void {
    const registers = [this.registry];
    new Gauge({
      name: 'app_redis_breaker_state', help: '1 for the state that the breaker is in',
      labelNames: ['breaker', 'state'], registers,
      collect() {
        for (const one of list()) {
          for (const state of STATES) this.set({ breaker: one.name, state }, one.breakerState === state ? 1 : 0);
        }
      },
    });
    new Gauge({
      name: 'app_redis_connections', help: 'Connections to Redis by target and status',
      labelNames: ['target', 'status'], registers,
      collect() {
        this.reset();
        for (const one of list()) this.inc({ target: one.target, status: one.status });
      },
    });
  }

  /** Shows the pool, and takes its errors, which would end the process if nobody did. Once. */
  watchPool(pool: Pool): void {
    pool.on('error', () => {
      this.#poolErrors.inc();
    });
    new Gauge({
      name: 'app_postgres_pool', help: 'Connections to PostgreSQL (total, idle) and who waits for one (waiting)',
      labelNames: ['state'], registers: [this.registry],
      collect() {
        this.set({ state: 'total' }, pool.totalCount);
        this.set({ state: 'idle' }, pool.idleCount);
        this.set({ state: 'waiting' }, pool.waitingCount);
      },
    });
  }
}

/** A clock for durations: seconds since it was made. */
export function startTimer(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}
