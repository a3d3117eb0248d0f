// Colours of genres. The twelve of each scheme were searched for the largest smallest distance in OKLab under normal
// sight and simulated protanopia, deuteranopia and tritanopia, at a contrast of 3 or more with the background, and are
// ordered so that the first are the furthest apart.

const LIGHT = ['#2f5685', '#909223', '#7e0e1d', '#2989ff', '#c77782', '#5a5bda', '#7a5017', '#83658e', '#3b1aa9', '#592c4a', '#ab5d2e', '#b1215b'];
const DARK = ['#8e7ef4', '#d5f426', '#ae3e18', '#34d9cd', '#f1b67e', '#415fd8', '#c16b7c', '#a0940a', '#8c66a5', '#c8a0fb', '#85fbc0', '#49abb5'];
const OTHERS_LIGHT = '#a3abaf';
const OTHERS_DARK = '#4c565b';

/** How many genres get a colour of their own. */
export const COLOURED_GENRES = LIGHT.length;

export const darkScheme = matchMedia('(prefers-color-scheme: dark)');

/** The colour of the genre that is the rank-th largest (0 the largest); grey past the last, and for -1. */
export function colourOfRank(rank) {
  const isDark = darkScheme.matches;
  if (rank < 0 || rank >= COLOURED_GENRES) return isDark ? OTHERS_DARK : OTHERS_LIGHT;
  return (isDark ? DARK : LIGHT)[rank];
}

/** Red, green and blue in 0..255 of a colour written `#rrggbb`. */
export function channelsOf(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** A number that is always the same for a text: FNV-1a. */
export function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
