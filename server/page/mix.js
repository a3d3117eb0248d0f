// The mix: tracks with weights, kept over views and reloads.

import { keep, recall } from './memory.js';
import { remember } from './tracks.js';

export const LOWEST_WEIGHT = -1;
export const HIGHEST_WEIGHT = 2;
const STEP = 0.5;

const within = (weight) => Math.min(HIGHEST_WEIGHT, Math.max(LOWEST_WEIGHT, weight));

/** Event: `change`. */
export class Mix extends EventTarget {
  /** `{ track, weight }`, in the order they were added. */
  seeds = recall('mix', []);

  constructor() {
    super();
    for (const { track } of this.seeds) remember(track);
  }

  /** The hash that shows this mix: weights are in the address, so a mix can be kept as a bookmark. */
  get hash() {
    const seeds = this.seeds.map(({ track, weight }) => `${track.id}:${weight}`).join(',');
    return seeds ? `#/mix?seeds=${seeds}` : '#/mix';
  }

  /** Each press asks for a step more of a track; a first one weighs 1. */
  more(track) {
    const seed = this.#seedOf(track);
    this.setWeight(track, seed ? seed.weight + STEP : 1);
  }

  /** A step less; a track that is not in the mix comes in with -0.5. A mix needs something it is like: `from`. */
  less(track, from) {
    const seed = this.#seedOf(track);
    if (!this.seeds.length && from && from.id !== track.id) this.seeds = [{ track: from, weight: 1 }];
    this.setWeight(track, seed ? seed.weight - STEP : -STEP);
  }

  setWeight(track, weight) {
    const seed = this.#seedOf(track);
    if (seed) seed.weight = within(weight);
    else this.seeds = [...this.seeds, { track, weight: within(weight) }];
    this.#changed();
  }

  remove(track) {
    this.seeds = this.seeds.filter((seed) => seed.track.id !== track.id);
    this.#changed();
  }

  replace(seeds) {
    this.seeds = seeds;
    this.#changed();
  }

  #seedOf(track) {
    return this.seeds.find((seed) => seed.track.id === track.id);
  }

  #changed() {
    keep('mix', this.seeds);
    this.dispatchEvent(new Event('change'));
  }
}

/** The numbers and weights that a hash names; parts that are none are left out. */
export function seedsOfHash(text) {
  return (text ?? '').split(',').map((part) => part.split(':').map(Number))
    .filter(([id, weight]) => Number.isInteger(id) && id >= 0 && Number.isFinite(weight))
    .map(([id, weight]) => ({ id, weight: within(weight) }));
}
