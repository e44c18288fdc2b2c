// SPDX-License-Identifier: BSD-3-Clause
//
// One connection to Redis with a breaker around it.  Knows how to get to the primary or to a replica by
// asking the vedettes; must not know what the calls are for, nor send one of them elsewhere.
import { Redis, type RedisOptions } from 'ioredis';
import CircuitBreaker from 'opossum';
import { isOfRedis, reasonOf, RedisUnavailable } from './errors.js';
import { type BreakerState, type Kind, type Metrics, startTimer, type Target } from './metrics.js';
import type { RedisSettings, SentinelSettings } from './settings.js';

/** Commands on one connection. It may be run for a second time when the connection broke: see README. */
export type Operation<T> = (redis: Redis) => Promise<T>;

// A peer that hangs takes no leave: the socket is dropped so long after it was told to go.
const LEAVE_MS = 100;
const KEEP_ALIVE_MS = 10_000;
const MOST_RETRY_MS = 500;
const JITTER_MS = 50;
const RETRIES = 10;

interface Replica {
  readonly ip: string;
  readonly port: string;
  readonly flags: string;
  readonly 'master-link-status'?: string;
}

/** At once when a connection broke, since then there is a new primary or soon will be; then slower. */
function retryDelay(attempt: number): number {
  return attempt <= 1 ? 0 : Math.min(50 * (attempt - 1), MOST_RETRY_MS) + Math.random() * JITTER_MS;
}

/** Spreads the connections over the replicas: those in sync first; the order is the same for all of us. */
export function chooseReplica(place: number, all: readonly Replica[]): Replica | undefined {
  const linked = all.filter((one) => one['master-link-status'] === 'ok');
  const list = (linked.length > 0 ? linked : [...all]).sort((a, b) =>
    `${a.ip}:${a.port}`.localeCompare(`${b.ip}:${b.port}`),
  );
  return list[place % list.length];
}

function commonOptions(settings: RedisSettings): RedisOptions {
  return {
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    db: settings.db,
    keyPrefix: settings.keyPrefix,
    family: settings.family,
    connectTimeout: settings.connectTimeoutMs,
    commandTimeout: settings.timeoutMs,
    disconnectTimeout: LEAVE_MS,
    keepAlive: KEEP_ALIVE_MS,
    maxRetriesPerRequest: RETRIES,
    retryStrategy: retryDelay,
    // A primary that was demoted: ask the vedettes again, and send the command to whom they name.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  };
}

function sentinelOptions(settings: SentinelSettings, target: Target, place: number): RedisOptions {
  return {
    ...(settings.sentinelUsername === undefined ? {} : { sentinelUsername: settings.sentinelUsername }),
    ...(settings.sentinelPassword === undefined ? {} : { sentinelPassword: settings.sentinelPassword }),
    sentinels: settings.sentinels.map(({ host, port }) => ({ host, port })),
    name: settings.group,
    role: target === 'primary' ? 'master' : 'slave',
    // ioredis hands the replies of SENTINEL REPLICAS on; its type says less than that.
    preferredSlaves: (all) => chooseReplica(place, all as unknown as Replica[]) ?? null,
    sentinelCommandTimeout: settings.connectTimeoutMs,
    sentinelRetryStrategy: retryDelay,
  };
}

export class GuardedConnection {
  readonly redis: Redis;
  readonly #breaker: CircuitBreaker<[Operation<unknown>]>;
  #downSince: number | undefined = performance.now();
  #isClosed = false;
  #answeredAt = 0;

  constructor(
    readonly name: string,
    readonly target: Target,
    place: number,
    private readonly settings: RedisSettings,
    private readonly metrics: Metrics,
    log: (line: string) => void,
  ) {
    const common = commonOptions(settings);
    this.redis =
      settings.mode === 'single'
        ? new Redis(settings.url, common)
        : new Redis({ ...common, ...sentinelOptions(settings, target, place) });
    this.#breaker = new CircuitBreaker((operation: Operation<unknown>) => this.#run(operation), {
      name,
      timeout: settings.timeoutMs,
      capacity: settings.breaker.maxInFlight,
      errorThresholdPercentage: settings.breaker.errorPercent,
      volumeThreshold: settings.breaker.minCalls,
      rollingCountTimeout: settings.breaker.windowMs,
      resetTimeout: settings.breaker.resetMs,
      errorFilter: (error: unknown) => reasonOf(error) === undefined,
    });
    this.#watch(log);
  }

  #watch(log: (line: string) => void): void {
    let wasReady = false;
    let lastError = '';
    this.redis.on('ready', () => {
      this.#downSince = undefined;
      this.#answeredAt = performance.now();
      lastError = '';
      if (wasReady) this.metrics.reconnected(this.name);
      wasReady = true;
      // It has just answered, in the role that is wanted: no reason to keep callers waiting for a trial.
      if (!this.#breaker.closed) this.#breaker.close();
      log(`redis ${this.name}: connected to ${this.server}`);
    });
    this.redis.on('close', () => {
      this.#downSince ??= performance.now();
    });
    // ioredis gives up when a connection is closed in the moment in which it is made.
    this.redis.on('end', () => {
      if (!this.#isClosed) this.redis.connect().catch(() => undefined);
    });
    // The same trouble is told once, not at every attempt.
    this.redis.on('error', (error: Error) => {
      if (error.message !== lastError) log(`redis ${this.name}: ${error.message}`);
      lastError = error.message;
    });
    this.#breaker.on('open', () => {
      this.metrics.opened(this.name);
      log(`redis ${this.name}: breaker open`);
    });
    this.#breaker.on('close', () => {
      log(`redis ${this.name}: breaker closed`);
    });
  }

  get breakerState(): BreakerState {
    return this.#breaker.opened ? 'open' : this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  get status(): string {
    return this.redis.status;
  }

  get server(): string {
    if (this.redis.status !== 'ready') return '';
    const { remoteAddress = '?', remotePort = '?' } = this.redis.stream;
    return `${remoteAddress} ${remotePort}`;
  }

  /** Would a call go through? */
  get isUsable(): boolean {
    return this.redis.status === 'ready' && (this.#breaker.closed || this.#breaker.pendingClose);
  }

  /**
   * What waits for a connection waits in memory, and is sent when there is one although nobody waits
   * for it any more. So only a short absence is waited for.
   */
  #run(operation: Operation<unknown>): Promise<unknown> {
    if (this.#downSince !== undefined && performance.now() - this.#downSince > this.settings.timeoutMs) {
      return Promise.reject(new RedisUnavailable('connection', `${this.name}: no connection`));
    }
    return operation(this.redis);
  }

  /** @throws RedisUnavailable when Redis was not there; what the operation throws besides, as it is */
  async call<T>(kind: Kind, operation: Operation<T>): Promise<T> {
    const seconds = startTimer();
    try {
      const result = (await this.#breaker.fire(operation)) as T;
      this.metrics.answered(kind, this.target, seconds());
      this.#answeredAt = performance.now();
      return result;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === 'timeout') this.#leaveIfSilent();
      if (reason !== undefined || isOfRedis(error)) this.metrics.failed(this.target, reason ?? 'reply');
      if (reason === undefined) throw error;
      throw error instanceof RedisUnavailable ? error : new RedisUnavailable(reason, error);
    }
  }

  /**
   * The peer hangs, or the network has forgotten the connection. (ioredis' socketTimeout would do, but
   * its timer outlives the connection and ends the next one.)
   */
  #leaveIfSilent(): void {
    const now = performance.now();
    if (this.redis.status !== 'ready' || now - this.#answeredAt < 2 * this.settings.timeoutMs) return;
    this.#answeredAt = now; // once, whoever else waits
    this.redis.disconnect(true);
  }

  /** There is said to be another primary: ask at once who it is, unless that was done since the word came. */
  switched(isFirst: boolean): void {
    const { status } = this.redis;
    if (status === 'connect' || (isFirst && status === 'ready')) this.redis.disconnect(true);
    if (status === 'reconnecting') this.redis.connect().catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
    this.#breaker.shutdown();
    this.redis.disconnect();
  }
}
