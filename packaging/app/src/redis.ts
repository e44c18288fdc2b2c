// SPDX-License-Identifier: BSD-3-Clause
//
// Redis for a web backend: writes go to the primary, whichever server that is, reads to replicas, and
// when Redis is not there callers are told at once.  Must not decide what an answer means, nor keep one.
import { GuardedConnection, type Operation } from './connection.js';
import { RedisUnavailable } from './errors.js';
import { Metrics, type Shown } from './metrics.js';
import type { RedisSettings } from './settings.js';
import { SwitchWatch } from './switch_watch.js';

export type { Operation } from './connection.js';
export { isOfRedis, type Reason, RedisUnavailable } from './errors.js';
export { Metrics } from './metrics.js';
export {
  type Endpoint, readRedisSettings, readSessionSettings, type RedisSettings, type SessionSettings, SettingsError,
} from './settings.js';

export interface ReadOptions {
  /** Ask the primary: a replica may not have yet what was just written. */
  readonly fresh?: boolean;
}

export interface RedisParts {
  readonly metrics?: Metrics;
  /** Gets a line for each change of a connection or a breaker. */
  readonly log?: (line: string) => void;
}

export class RedisAccess {
  readonly metrics: Metrics;
  readonly #primary: GuardedConnection;
  readonly #replicas: readonly GuardedConnection[];
  readonly #watch: SwitchWatch | undefined;
  #turn = 0;

  /** Connects at once, and for as long as close() is not called. */
  constructor(readonly settings: RedisSettings, parts: RedisParts = {}) {
    this.metrics = parts.metrics ?? new Metrics();
    const log = parts.log ?? (() => undefined);
    const readers = settings.mode === 'sentinel' ? settings.readConnections : 0;
    this.#primary = new GuardedConnection('primary', 'primary', 0, settings, this.metrics, log);
    this.#replicas = Array.from({ length: readers }, (_, place) =>
      new GuardedConnection(`replica-${place}`, 'replica', place, settings, this.metrics, log),
    );
    if (settings.mode === 'sentinel') {
      this.#watch = new SwitchWatch(settings, (isFirst) => { this.#primary.switched(isFirst); });
    }
    this.metrics.watchConnections(() => this.connections());
  }

  /**
   * Runs commands at the primary.
   *
   * @throws RedisUnavailable; after 'timeout' and 'connection' they may have happened, or happen yet
   */
  write<T>(operation: Operation<T>): Promise<T> {
    return this.#primary.call('write', operation);
  }

  /**
   * Runs commands that only read at a replica, else at the primary. What a replica says may be old, as
   * replication takes its time: give `fresh`, or recognise by the value itself that it is too old.
   *
   * @throws RedisUnavailable when the primary was not there either
   */
  async read<T>(operation: Operation<T>, { fresh = false }: ReadOptions = {}): Promise<T> {
    if (!fresh && this.#replicas.length > 0) {
      const replica = this.#nextReplica();
      if (replica) {
        try {
          return await replica.call('read', operation);
        } catch (error) {
          if (!(error instanceof RedisUnavailable)) throw error;
        }
      }
      this.metrics.fellBack();
    }
    return this.#primary.call('read', operation);
  }

  /** The next in turn of those that would answer. */
  #nextReplica(): GuardedConnection | undefined {
    const usable = this.#replicas.filter((one) => one.isUsable);
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    return usable[this.#turn % usable.length];
  }

  /** Calls back whenever there is a connection to a primary: the first, and each that comes after a loss. */
  onPrimary(call: () => void): void {
    this.#primary.redis.on('ready', call);
  }

  /** For health checks: every connection and the state of its breaker. */
  connections(): readonly Shown[] {
    return [this.#primary, ...this.#replicas].map(({ name, target, breakerState, status, server }) => ({
      name, target, breakerState, status, server,
    }));
  }

  /** Calls under way fail. */
  close(): void {
    this.#watch?.close();
    for (const one of [this.#primary, ...this.#replicas]) one.close();
  }
}
