// What plays, what has played and what comes: plain state that tells of its changes.

import { keep, recall } from './memory.js';

/**
 * Events: `current` (another item plays now; detail `{ isPlaying, seconds }`), `change` (anything at all).
 * `seeds` are the tracks the queue goes on from; `query` is the one that opinions of its tracks are about.
 */
export class Queue extends EventTarget {
  items = [];
  position = -1;
  seeds = [];
  query = null;
  goesOn = true;

  get current() {
    return this.items[this.position] ?? null;
  }

  get upcoming() {
    return this.items.slice(this.position + 1);
  }

  /** Starts anew with these tracks, playing the one at `at` from `seconds`. */
  begin(tracks, { seeds, query, at = 0, seconds = 0 } = {}) {
    this.items = [...tracks];
    this.position = at;
    this.seeds = seeds?.length ? [...seeds] : [tracks[at].id];
    this.query = query ?? this.seeds[0];
    this.#changed({ isPlaying: true, seconds });
  }

  append(tracks) {
    if (!this.items.length) {
      this.begin(tracks);
      return;
    }
    this.items.push(...tracks);
    this.#changed();
  }

  /** Goes to the next item; false where there is none. */
  next() {
    return this.jump(this.position + 1);
  }

  previous() {
    return this.jump(this.position - 1);
  }

  jump(position) {
    if (position < 0 || position >= this.items.length) return false;
    this.position = position;
    this.#changed({ isPlaying: true, seconds: 0 });
    return true;
  }

  /** Takes an item out that does not play now. */
  remove(index) {
    if (index === this.position) return;
    this.items.splice(index, 1);
    if (index < this.position) this.position -= 1;
    this.#changed();
  }

  /** Brings an item to be the next one. */
  bringNext(index) {
    const [item] = this.items.splice(index, 1);
    if (index < this.position) this.position -= 1;
    this.items.splice(this.position + 1, 0, item);
    this.#changed();
  }

  clearUpcoming() {
    this.items.length = this.position + 1;
    this.goesOn = false;
    this.#changed();
  }

  setGoesOn(goesOn) {
    this.goesOn = goesOn;
    this.#changed();
  }

  /** Takes up what the last visit left, without starting to play. */
  restore() {
    const left = recall('queue', null);
    if (!Array.isArray(left?.items) || !left.items[left.position]) return;
    Object.assign(this, { items: left.items, position: left.position, seeds: left.seeds ?? [], query: left.query ?? null, goesOn: left.goesOn !== false });
    this.#changed({ isPlaying: false, seconds: recall('seconds', 0) });
  }

  #changed(current) {
    const { items, position, seeds, query, goesOn } = this;
    keep('queue', { items, position, seeds, query, goesOn });
    if (current) this.dispatchEvent(new CustomEvent('current', { detail: current }));
    this.dispatchEvent(new Event('change'));
  }
}
