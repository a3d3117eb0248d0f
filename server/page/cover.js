// A track's cover, or one drawn from its title and genre where it has none.

import { api } from './api.js';
import { hashOf } from './colours.js';
import { drawing, element } from './element.js';

// Most libraries have many files without a cover: each is asked for once in the life of the page.
const withoutCover = new Set();

/** The cover in a square of the place's size. It says nothing the title beside it does not, so it is hidden from readers. */
export function cover(track, { isEager = false } = {}) {
  const frame = element('span', { class: 'cover', 'aria-hidden': 'true' }, drawnCover(track));
  if (Number.isInteger(track.id) && !withoutCover.has(track.id)) {
    const image = element('img', { alt: '', loading: isEager ? 'eager' : 'lazy', decoding: 'async', src: api.coverAddress(track.id) });
    image.addEventListener('load', () => frame.classList.add('has-image'));
    image.addEventListener('error', () => {
      withoutCover.add(track.id);
      image.remove();
    });
    frame.append(image);
  }
  return frame;
}

/** Arcs about a corner: the hue is the genre's (or the album's), their place the title's. */
function drawnCover(track) {
  const hue = hashOf(track.genre ?? track.album ?? track.artist ?? track.title) % 360;
  const shape = hashOf(track.title);
  const tone = (turn, saturation, lightness) => `hsl(${(hue + turn) % 360} ${saturation}% ${lightness}%)`;
  const [x, y] = [[0, 0], [100, 0], [0, 100], [100, 100], [50, 100], [50, 0]][shape % 6];
  const step = 20 + ((shape >>> 4) % 12);
  const rings = [4, 3, 2, 1].map((ring) => drawing('circle', {
    cx: x, cy: y, r: ring * step, fill: tone(ring * (6 + ((shape >>> 8) % 10)), 30 + ring * 3, 30 + (4 - ring) * 10),
  }));
  return drawing('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'xMidYMid slice' },
    drawing('rect', { width: 100, height: 100, fill: tone(0, 28, 26) }), rings);
}
