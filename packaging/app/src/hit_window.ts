// SPDX-License-Identifier: BSD-3-Clause
//
// The hit rate of the last five minutes, by slots of ten seconds: a rate since the start would hide what
// a failover did to it.
const SLOT_MS = 10_000;
const SLOTS = 30;

interface Slot {
  number: number;
  hits: number;
  all: number;
}

export class HitWindow {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({ number: -1, hits: 0, all: 0 }));

  /** `now` in ms, of a clock that does not go back. */
  count(isHit: boolean, now = performance.now()): void {
    const number = Math.floor(now / SLOT_MS);
    const slot = this.#slots[number % SLOTS];
    if (!slot) return;
    if (slot.number !== number) Object.assign(slot, { number, hits: 0, all: 0 });
    slot.all += 1;
    if (isHit) slot.hits += 1;
  }

  /** From 0 to 1; NaN when nobody asked. */
  ratio(now = performance.now()): number {
    const oldest = Math.floor(now / SLOT_MS) - SLOTS + 1;
    const live = this.#slots.filter((slot) => slot.number >= oldest);
    const sum = (pick: (slot: Slot) => number): number => live.reduce((total, slot) => total + pick(slot), 0);
    return sum((slot) => slot.hits) / sum((slot) => slot.all);
  }
}
