// Playing similar tracks on and on: fills the queue before it runs out.

import { api } from './api.js';
import { notice } from './announcer.js';
import { remember } from './tracks.js';

const FEWEST_TO_COME = 3;
const COUNT = 5;
const DRIFT = 0.3;
// What the server takes at most.
const MOST_SEEDS = 100;
const MOST_PLAYED = 10000;

export function goOn(queue) {
  let asking = null;
  // A library that has nothing left for these seeds is not asked again at each change of the queue.
  let exhaustedSeeds = null;

  async function ask() {
    if (!queue.goesOn || !queue.current || queue.upcoming.length >= FEWEST_TO_COME) return;
    const seeds = queue.seeds;
    if (asking === seeds || exhaustedSeeds === seeds) return;
    asking = seeds;
    try {
      const played = [...new Set(queue.items.map((track) => track.id))];
      const answer = await api.radio({ seeds: seeds.slice(0, MOST_SEEDS), played: played.slice(-MOST_PLAYED), count: COUNT, drift: DRIFT, seed: Math.floor(Math.random() * 2 ** 31) });
      // The listener may have begun another queue meanwhile: the answer is about the old one.
      if (queue.seeds !== seeds || !queue.goesOn) return;
      if (answer.tracks.length) queue.append(answer.tracks.map(({ track }) => remember(track)));
      else exhaustedSeeds = seeds;
    } catch (problem) {
      notice(`No similar tracks could be added to the queue: ${problem.message}`, { isProblem: true });
    } finally {
      if (asking === seeds) asking = null;
      if (queue.seeds !== seeds) ask();
    }
  }

  queue.addEventListener('change', ask);
}
