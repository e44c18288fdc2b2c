// SPDX-License-Identifier: BSD-3-Clause
//
// Listens to all vedettes for the word that there is another primary.  A primary that is killed is noticed
// without; one that hangs, or is cut off, says nothing.
//
// ioredis has the like (failoverDetector), but in 5.11.1 it ends the connection for good when the word
// comes while it looks for the primary, as it does when that was killed.
import { Redis, type RedisOptions } from 'ioredis';
import type { SentinelSettings } from './settings.js';

const CHANNEL = '+switch-master';
const RETRY_MS = 1000;
// Every vedette says it, each when it knows.
const SAME_MS = 5000;

export class SwitchWatch {
  readonly #links: readonly Redis[];
  #last = '';
  #lastAt = -Infinity;

  /** `call` is told the first word of a switch (isFirst), and those of the other vedettes after it. */
  constructor(private readonly settings: SentinelSettings, private readonly call: (isFirst: boolean) => void) {
    this.#links = settings.sentinels.map(({ host, port }) => this.#listen({ host, port }));
  }

  #listen(endpoint: RedisOptions): Redis {
    const { family, sentinelUsername: username, sentinelPassword: password, connectTimeoutMs } = this.settings;
    const link = new Redis({
      ...endpoint, family, connectTimeout: connectTimeoutMs,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      enableReadyCheck: false, maxRetriesPerRequest: null, retryStrategy: () => RETRY_MS, keepAlive: RETRY_MS,
    });
    // Who is not there is missed by those who ask for the primary, and they tell.
    link.on('error', () => undefined);
    link.on('message', (_channel: string, text: string) => { this.#hear(text); });
    link.subscribe(CHANNEL).catch(() => undefined);
    return link;
  }

  #hear(text: string): void {
    if (!text.startsWith(`${this.settings.group} `)) return;
    const now = performance.now();
    const isFirst = text !== this.#last || now - this.#lastAt > SAME_MS;
    this.#last = text;
    this.#lastAt = now;
    this.call(isFirst);
  }

  close(): void {
    for (const link of this.#links) link.disconnect();
  }
}
