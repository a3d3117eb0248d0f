// The map's tracks: where they are, and which is under the pointer.

import { COLOURED_GENRES } from './colours.js';

const CELLS = 128;

export class MapPoints {
  /** Of the server's answer: `ids`, `x`, `y` in -1..1, `genre` (an index into `genres`, or -1). */
  constructor({ ids, x, y, genre, genres }) {
    this.ids = ids;
    this.count = ids.length;
    this.positions = new Float32Array(2 * ids.length);
    for (let i = 0; i < ids.length; i += 1) {
      this.positions[2 * i] = x[i];
      this.positions[2 * i + 1] = y[i];
    }
    this.#rankGenres(genre, genres);
    this.#fillGrid();
    this.#indexOf = new Map(ids.map((id, i) => [id, i]));
  }

  /** The rectangle that holds every point. */
  get bounds() {
    const bounds = { left: 1, right: -1, bottom: 1, top: -1 };
    for (let i = 0; i < this.count; i += 1) {
      const [x, y] = [this.positions[2 * i], this.positions[2 * i + 1]];
      bounds.left = Math.min(bounds.left, x);
      bounds.right = Math.max(bounds.right, x);
      bounds.bottom = Math.min(bounds.bottom, y);
      bounds.top = Math.max(bounds.top, y);
    }
    return this.count ? bounds : { left: -1, right: 1, bottom: -1, top: 1 };
  }

  #indexOf;
  #cellStarts;
  #cellPoints;

  indexOf(id) {
    return this.#indexOf.get(id) ?? -1;
  }

  /** Ranks by size, so that the colours that differ most go to the genres seen most. */
  #rankGenres(genre, genres) {
    // Tags differ in case from album to album; the first way of writing stands for all.
    const firstOf = new Map();
    const same = genres.map((name, index) => {
      const key = name.trim().toLowerCase();
      if (!firstOf.has(key)) firstOf.set(key, index);
      return firstOf.get(key);
    });
    const sizes = new Array(genres.length).fill(0);
    for (const index of genre) if (index >= 0) sizes[same[index]] += 1;
    const order = sizes.map((_, index) => index).filter((index) => sizes[index] > 0).sort((a, b) => sizes[b] - sizes[a]);
    const rankOf = new Map(order.map((index, rank) => [index, rank]));
    /** For each point: 0 for the largest genre; COLOURED_GENRES for all the smaller ones and for none. */
    this.ranks = Uint8Array.from(genre, (index) => Math.min(rankOf.get(same[index]) ?? COLOURED_GENRES, COLOURED_GENRES));
    /** The coloured genres `{ name, size, rank, x, y }`, the largest first; x and y are the medians of their points. */
    this.genres = order.slice(0, COLOURED_GENRES).map((index, rank) => ({ name: genres[index], size: sizes[index], rank, ...this.#medianOf(rank) }));
    this.otherCount = this.ranks.reduce((count, rank) => count + (rank === COLOURED_GENRES ? 1 : 0), 0);
  }

  #medianOf(rank) {
    const of = [0, 1].map((axis) => {
      const values = [];
      for (let i = 0; i < this.count; i += 1) if (this.ranks[i] === rank) values.push(this.positions[2 * i + axis]);
      return values.sort((a, b) => a - b)[values.length >> 1];
    });
    return { x: of[0], y: of[1] };
  }

  #cellOf(value) {
    return Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));
  }

  /** Points sorted by cell: a counting sort, which 50,000 points pass in a few milliseconds. */
  #fillGrid() {
    const cells = new Uint32Array(this.count);
    this.#cellStarts = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < this.count; i += 1) {
      cells[i] = this.#cellOf(this.positions[2 * i + 1]) * CELLS + this.#cellOf(this.positions[2 * i]);
      this.#cellStarts[cells[i] + 1] += 1;
    }
    for (let cell = 0; cell < CELLS * CELLS; cell += 1) this.#cellStarts[cell + 1] += this.#cellStarts[cell];
    const next = this.#cellStarts.slice();
    this.#cellPoints = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i += 1) {
      this.#cellPoints[next[cells[i]]] = i;
      next[cells[i]] += 1;
    }
  }

  /** The nearest point within a radius, or -1; where a genre is singled out, only its points. */
  nearest(x, y, radius, rank = null) {
    let best = -1;
    let bestSquare = radius * radius;
    const [left, right] = [this.#cellOf(x - radius), this.#cellOf(x + radius)];
    for (let row = this.#cellOf(y - radius); row <= this.#cellOf(y + radius); row += 1) {
      for (let at = this.#cellStarts[row * CELLS + left]; at < this.#cellStarts[row * CELLS + right + 1]; at += 1) {
        const i = this.#cellPoints[at];
        if (rank !== null && this.ranks[i] !== rank) continue;
        const square = (this.positions[2 * i] - x) ** 2 + (this.positions[2 * i + 1] - y) ** 2;
        if (square <= bestSquare) [best, bestSquare] = [i, square];
      }
    }
    return best;
  }

  /** The points nearest to one, without itself, nearest first. */
  neighbours(index, count) {
    const [x, y] = [this.positions[2 * index], this.positions[2 * index + 1]];
    const square = (i) => (this.positions[2 * i] - x) ** 2 + (this.positions[2 * i + 1] - y) ** 2;
    const near = [];
    for (let i = 0; i < this.count; i += 1) {
      if (i === index) continue;
      const distance = square(i);
      if (near.length === count && distance >= near.at(-1).distance) continue;
      near.push({ i, distance });
      near.sort((a, b) => a.distance - b.distance);
      near.length = Math.min(near.length, count);
    }
    return near.map(({ i }) => i);
  }
}
