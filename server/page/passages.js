// The passages of a track that were listened to: only they can be asked with.

import { api } from './api.js';

export const USUAL_PASSAGE_SECONDS = 4;

export class Passages {
  seconds = USUAL_PASSAGE_SECONDS;
  #starts = [];

  /** Never fails: without an answer, passages are taken to be as long as usual and to lie anywhere. */
  async ask(id, signal) {
    try {
      const { seconds, starts } = await api.passages(id, signal);
      this.seconds = seconds;
      this.#starts = starts;
    } catch {
      this.#starts = [];
    }
  }

  /** The stretch in tenths of seconds, widened where it holds no whole passage until it holds the nearest one. */
  around(from, to) {
    const holdsOne = this.#starts.some((start) => start >= from && start + this.seconds <= to);
    if (!holdsOne && this.#starts.length) {
      const off = (start) => Math.abs(start + this.seconds / 2 - (from + to) / 2);
      const nearest = this.#starts.reduce((best, start) => (off(start) < off(best) ? start : best));
      [from, to] = [Math.min(from, nearest), Math.max(to, nearest + this.seconds)];
    }
    // Outwards: a rounding inwards would cut the passage that was widened for.
    return { from: Math.floor(from * 10) / 10, to: Math.ceil(to * 10) / 10 };
  }
}
