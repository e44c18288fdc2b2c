// SPDX-License-Identifier: BSD-3-Clause
//
// What this process has written of late: the version below which a copy is too old for it, and the copies
// in Redis that it has yet to correct.  Bounded; what is forgotten first was written first.

const MOST = 50_000;

interface Write {
  readonly version: number;
  readonly at: number;
}

export class WriteMemory {
  // In the order of the writes.
  readonly #writes = new Map<string, Write>();
  readonly #owed = new Set<string>();

  /** `keepMs`: how long an older copy may be about. `doubtMs`: how old a write may be that a new primary lacks. */
  constructor(private readonly keepMs: number, private readonly doubtMs: number, private readonly most = MOST) {}

  /** 0 for what was not written, or is forgotten. */
  version(id: string, now = performance.now()): number {
    const write = this.#writes.get(id);
    return write && now - write.at < this.keepMs ? write.version : 0;
  }

  /** Returns how many debts had to be forgotten for lack of room. */
  note(id: string, version: number, now = performance.now()): number {
    if ((this.#writes.get(id)?.version ?? 0) > version) return 0;
    this.#forget(id);
    this.#writes.set(id, { version, at: now });
    let forgotten = 0;
    for (const [oldest, write] of this.#writes) {
      const isOver = now - write.at >= this.keepMs;
      if (!isOver && this.#writes.size <= this.most) break;
      if (this.#forget(oldest) && !isOver) forgotten += 1;
    }
    return forgotten;
  }

  /** Redis could not be told of this write. */
  owe(id: string, version: number): void {
    if (this.#writes.get(id)?.version === version) this.#owed.add(id);
  }

  get owesAny(): boolean {
    return this.#owed.size > 0;
  }

  /** What is owed, no longer so; for a primary that has just come also what it may not have got. */
  takeRepairs(isNewPrimary: boolean, now = performance.now()): Map<string, number> {
    const repairs = new Map<string, number>();
    for (const id of this.#owed) repairs.set(id, this.#writes.get(id)?.version ?? 0);
    this.#owed.clear();
    if (isNewPrimary) {
      for (const [id, write] of this.#writes) if (now - write.at < this.doubtMs) repairs.set(id, write.version);
    }
    return repairs;
  }

  /** Was something owed for it? */
  #forget(id: string): boolean {
    this.#writes.delete(id);
    return this.#owed.delete(id);
  }
}
