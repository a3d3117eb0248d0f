// The two ends of a path, chosen one after the other from anywhere on the page.

import { go } from './router.js';

let ends = { from: null, to: null };

export const pathEnds = {
  get ends() {
    return ends;
  },
  /** Takes over what an address names. */
  take(from, to) {
    ends = { from, to };
  },
  /** Chooses one end (or both) and shows the map with them. */
  set(chosen) {
    ends = { ...ends, ...chosen };
    go(pathHash(ends));
  },
};

function pathHash({ from, to }) {
  const named = Object.entries({ from, to }).filter(([, id]) => id !== null);
  return named.length ? `#/map?${new URLSearchParams(named)}` : '#/map';
}
