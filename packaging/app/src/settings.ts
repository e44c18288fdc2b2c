// SPDX-License-Identifier: BSD-3-Clause
//
// What the environment says about Redis and the sessions: read once, at the start, checked whole, and
// never again. Must not connect to anything.  README.md has the table of the variables.

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** When a breaker opens, and when it tries again. */
export interface BreakerSettings {
  /** It opens when this share of the calls in the window has failed... */
  readonly errorPercent: number;
  /** ... and there were at least so many of them. */
  readonly minCalls: number;
  readonly windowMs: number;
  /** So long after it has opened, one call is let through. */
  readonly resetMs: number;
  /** Calls under way at the same time; what is beyond fails at once. */
  readonly maxInFlight: number;
}

interface Common {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly keyPrefix: string;
  /** 0 takes what the name service has; 6 is for networks that have nothing else. */
  readonly family: 0 | 4 | 6;
  /** For a command, queued while there is no connection included. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly breaker: BreakerSettings;
}

export interface SentinelSettings extends Common {
  readonly mode: 'sentinel';
  readonly sentinels: readonly Endpoint[];
  readonly group: string;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** Connections to replicas; 0: reads ask the primary. */
  readonly readConnections: number;
}

export interface SingleSettings extends Common {
  readonly mode: 'single';
  readonly url: string;
}

export type RedisSettings = SentinelSettings | SingleSettings;

export interface SessionSettings {
  /** How long a session lasts that is not saved or touched again. */
  readonly lifetimeMs: number;
  /** How long a copy stays in Redis: the bound of how stale anything read from it can be. */
  readonly cacheMs: number;
}

/** All that is wrong with the environment, one line each: the variable, what is wrong, what would be right. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_SENTINEL_PORT = 26379;
const SWITCHES: Readonly<Record<string, boolean>> = {
  '1': true, yes: true, true: true, on: true, '0': false, no: false, false: false, off: false,
};

/** Reads variables; what is wrong is collected, so that one start shows all of it. Empty is unset. */
class Reader {
  readonly faults: string[] = [];
  constructor(private readonly env: Environment) {}

  text(name: string): string | undefined {
    const value = this.env[name];
    return value === '' ? undefined : value;
  }

  number(name: string, fallback: number, least: number, most: number): number {
    const value = this.text(name);
    if (value === undefined) return fallback;
    const number = /^\d{1,15}$/.test(value.trim()) ? Number(value) : NaN;
    if (number >= least && number <= most) return number;
    this.faults.push(`${name}: '${value}' is not a whole number from ${least} to ${most}`);
    return fallback;
  }

  isOn(name: string): boolean {
    const value = this.text(name);
    if (value === undefined) return false;
    const meant = SWITCHES[value.trim().toLowerCase()];
    if (meant === undefined) this.faults.push(`${name}: '${value}' is neither yes nor no`);
    return meant ?? false;
  }
}

/** "host:port", "host", "[ipv6]:port" or "[ipv6]"; undefined when it is none of these. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]@/]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_SENTINEL_PORT : Number(match[3]);
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
}

function readSentinels(reader: Reader, list: string): Endpoint[] {
  const words = list.split(',').map((word) => word.trim()).filter((word) => word !== '');
  if (words.length === 0) reader.faults.push('REDIS_SENTINELS: names nobody; host:port,host:port,...');
  return words.flatMap((word) => {
    const endpoint = parseEndpoint(word);
    if (endpoint) return [endpoint];
    reader.faults.push(`REDIS_SENTINELS: '${word}' is no host:port; an IPv6 address stands in brackets, [::1]:26379`);
    return [];
  });
}

function readFamily(reader: Reader): 0 | 4 | 6 {
  const family = reader.number('REDIS_FAMILY', 0, 0, 6);
  if (family === 0 || family === 4 || family === 6) return family;
  reader.faults.push(`REDIS_FAMILY: ${family} is none of 0 (either), 4 and 6`);
  return 0;
}

function readCommon(reader: Reader): Common {
  return {
    username: reader.text('REDIS_USERNAME'),
    password: reader.text('REDIS_PASSWORD'),
    db: reader.number('REDIS_DB', 0, 0, 1_000_000),
    keyPrefix: reader.text('REDIS_KEY_PREFIX') ?? '',
    family: readFamily(reader),
    timeoutMs: reader.number('REDIS_TIMEOUT_MS', 500, 1, 60_000),
    connectTimeoutMs: reader.number('REDIS_CONNECT_TIMEOUT_MS', 1000, 1, 60_000),
    breaker: {
      errorPercent: reader.number('REDIS_BREAKER_ERROR_PERCENT', 50, 1, 100),
      minCalls: reader.number('REDIS_BREAKER_MIN_CALLS', 10, 1, 1_000_000),
      windowMs: reader.number('REDIS_BREAKER_WINDOW_MS', 5000, 100, 600_000),
      resetMs: reader.number('REDIS_BREAKER_RESET_MS', 1000, 10, 600_000),
      maxInFlight: reader.number('REDIS_MAX_IN_FLIGHT', 1000, 1, 1_000_000),
    },
  };
}

/** A URL may hold a password: a fault is told without its text. */
function checkUrl(reader: Reader, url: string): void {
  const scheme = URL.canParse(url) ? new URL(url).protocol : '';
  if (scheme !== 'redis:' && scheme !== 'rediss:') {
    reader.faults.push('REDIS_URL: is no redis://[user:password@]host:port[/db] or rediss://...');
  }
}

/**
 * Sentinel mode where REDIS_SENTINELS is set, one server at REDIS_URL where it is not, or where
 * REDIS_SINGLE=yes says so: that one variable is the way back.
 *
 * @throws SettingsError
 */
export function readRedisSettings(env: Environment): RedisSettings {
  const reader = new Reader(env);
  const common = readCommon(reader);
  const list = reader.text('REDIS_SENTINELS');
  const url = reader.text('REDIS_URL');
  const wantsSingle = reader.isOn('REDIS_SINGLE');
  let settings: RedisSettings;
  if (list !== undefined && !wantsSingle) {
    settings = {
      ...common,
      mode: 'sentinel',
      sentinels: readSentinels(reader, list),
      group: reader.text('REDIS_SENTINEL_GROUP') ?? 'mymaster',
      sentinelUsername: reader.text('REDIS_SENTINEL_USERNAME'),
      sentinelPassword: reader.text('REDIS_SENTINEL_PASSWORD'),
      readConnections: reader.number('REDIS_READ_CONNECTIONS', 2, 0, 64),
    };
  } else {
    if (url !== undefined) checkUrl(reader, url);
    else if (wantsSingle) reader.faults.push('REDIS_SINGLE: is set, but REDIS_URL, the server to use, is not');
    else reader.faults.push('REDIS_SENTINELS: is not set, nor is REDIS_URL; one of them says where Redis is');
    settings = { ...common, mode: 'single', url: url ?? '' };
  }
  if (reader.faults.length > 0) throw new SettingsError(reader.faults);
  return settings;
}

/** @throws SettingsError */
export function readSessionSettings(env: Environment): SessionSettings {
  const reader = new Reader(env);
  const settings = {
    lifetimeMs: 1000 * reader.number('SESSION_LIFETIME_S', 86_400, 1, 366 * 86_400),
    cacheMs: 1000 * reader.number('SESSION_CACHE_S', 3600, 1, 366 * 86_400),
  };
  if (reader.faults.length > 0) throw new SettingsError(reader.faults);
  return settings;
}
