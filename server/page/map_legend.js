// Which colour is which genre; pressing one shows it alone, so that nobody has to tell colours apart.

import { COLOURED_GENRES, colourOfRank, darkScheme } from './colours.js';
import { element } from './element.js';

/** `onsingle(rank)` with null for all. */
export function mapLegend(points, onsingle, signal) {
  const entries = points.genres.map(({ name, size, rank }) => ({ name, size, rank }));
  if (points.otherCount) entries.push({ name: 'Others and none', size: points.otherCount, rank: COLOURED_GENRES });
  let single = null;
  const buttons = entries.map(({ name, size, rank }) => {
    const swatch = element('span', { class: 'swatch', 'aria-hidden': 'true' });
    const button = element('button', { type: 'button', class: 'legend-entry', 'aria-pressed': 'false', 'data-rank': rank, onclick: () => {
      single = single === rank ? null : rank;
      buttons.forEach((other, at) => other.setAttribute('aria-pressed', String(entries[at].rank === single)));
      onsingle(single);
    } }, swatch, element('span', {}, name), element('span', { class: 'number quiet' }, size.toLocaleString('en')));
    const colour = () => { swatch.style.backgroundColor = colourOfRank(rank); };
    darkScheme.addEventListener('change', colour, { signal });
    colour();
    return button;
  });
  return element('ul', { class: 'legend', id: 'legend', 'aria-label': 'Genres by colour; press one to show it alone' }, buttons.map((button) => element('li', {}, button)));
}
