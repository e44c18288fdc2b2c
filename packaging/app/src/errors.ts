// SPDX-License-Identifier: BSD-3-Clause
//
// Which errors mean that Redis is not there, and which that the caller's command is wrong.  Only the
// former count for the breaker and send a read elsewhere.
import { ReplyError } from 'ioredis';

/**
 * open: the breaker let nothing through; busy: too many calls under way; timeout: no answer in time,
 * a write may have happened or happen yet; connection: there was none; refused: the server is none to
 * ask now (loading, not the primary any more, too few replicas).
 */
export type Reason = 'open' | 'busy' | 'timeout' | 'connection' | 'refused';

/** What read() and write() throw when Redis is not there. All other errors pass as they are. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
  constructor(readonly reason: Reason, cause: unknown) {
    super(`Redis: ${reason}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const BY_CODE: Readonly<Record<string, Reason>> = {
  EOPENBREAKER: 'open',
  ESHUTDOWN: 'open',
  ESEMLOCKED: 'busy',
  ETIMEDOUT: 'timeout',
  ECONNREFUSED: 'connection',
  ECONNRESET: 'connection',
  EHOSTUNREACH: 'connection',
  ENETUNREACH: 'connection',
  ENOTFOUND: 'connection',
  EAI_AGAIN: 'connection',
  EPIPE: 'connection',
};

// First words of error replies that are about the server, not the command.
const REFUSALS = /^(?:READONLY|LOADING|MASTERDOWN|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|TRYAGAIN|CLUSTERDOWN)\b/;
// ioredis gives these no codes.
const NO_CONNECTION = /^Connection is closed|max retries per request|connection close|isn't writeable|^Socket timeout/;

/** Why Redis was not there, undefined when this error is about something else. */
export function reasonOf(error: unknown): Reason | undefined {
  if (error instanceof RedisUnavailable) return error.reason;
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ReplyError) return REFUSALS.test(error.message) ? 'refused' : undefined;
  const code = (error as NodeJS.ErrnoException).code;
  const byCode = code === undefined ? undefined : BY_CODE[code];
  if (byCode) return byCode;
  if (error.message === 'Command timed out') return 'timeout';
  return NO_CONNECTION.test(error.message) ? 'connection' : undefined;
}

/** Redis was not there, or would not do what it was told: what must not become the trouble of one who has a database, too. */
export function isOfRedis(error: unknown): boolean {
  return error instanceof RedisUnavailable || error instanceof ReplyError;
}
