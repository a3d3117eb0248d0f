// Tracks the page has already been told of, so that the map's hover and the path's ends ask only once for each.

import { api } from './api.js';

const known = new Map();
const asked = new Map();

/** Keeps a track that came with some answer, and hands it on. */
export function remember(track) {
  known.set(track.id, track);
  return track;
}

/** A track by its number: from memory, or asked for. */
export function trackOf(id) {
  if (known.has(id)) return Promise.resolve(known.get(id));
  if (!asked.has(id)) {
    asked.set(id, api.track(id).then(remember).finally(() => asked.delete(id)));
  }
  return asked.get(id);
}

/** "Title by Artist", as labels say it. */
export function nameOf(track) {
  return track.artist ? `${track.title} by ${track.artist}` : track.title;
}

const LONGEST_QUOTED = 48;

/** The title in quotation marks, cut where it would fill a notice. */
export function quoted({ title }) {
  return title.length > LONGEST_QUOTED ? `“${title.slice(0, LONGEST_QUOTED - 1).trimEnd()}…”` : `“${title}”`;
}

/** The line below a title: artist and album, or that there are none. */
export function creditOf(track) {
  const parts = [track.artist, track.album].filter(Boolean);
  return parts.length ? parts.join(' · ') : 'No tags';
}
