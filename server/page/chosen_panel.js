// The track chosen on the map and those nearest to it there: what the picture shows, in words.

import { element, wordButton } from './element.js';
import { pathEnds } from './path_ends.js';
import { player, queue } from './session.js';
import { empty } from './state_line.js';
import { trackList } from './track_list.js';
import { trackRow } from './track_row.js';
import { trackOf } from './tracks.js';

export class ChosenPanel {
  element = element('section', { class: 'panel chosen-panel', 'aria-labelledby': 'chosen-heading' });
  near = element('section', { class: 'panel near-panel', 'aria-labelledby': 'near-heading', hidden: true });
  #signal;
  #id = null;

  constructor(signal) {
    this.#signal = signal;
    this.clear();
  }

  clear() {
    this.#id = null;
    this.element.dataset.trackId = '';
    this.near.hidden = true;
    this.element.replaceChildren(headingOf('chosen-heading', 'On the map'),
      element('p', { class: 'quiet' }, 'Each point is a track; near points sound alike. Click one to play it.'));
  }

  /** Shows a track and its neighbours by their numbers, nearest first. */
  async show(id, nearIds) {
    this.#id = id;
    this.element.dataset.trackId = id;
    const [track, ...near] = await Promise.all([id, ...nearIds].map((one) => trackOf(one).catch(() => null)));
    // Another track may have been chosen while these were on their way.
    if (this.#signal.aborted || this.#id !== id) return;
    this.near.hidden = !track;
    if (!track) {
      this.element.replaceChildren(headingOf('chosen-heading', 'Chosen'), empty('This track is no longer in the library.'));
      return;
    }
    this.element.replaceChildren(headingOf('chosen-heading', 'Chosen'), this.#list('The chosen track', [track]),
      element('div', { class: 'buttons' },
        wordButton('Path from here', () => pathEnds.set({ from: id }), { 'data-action': 'path-from' }),
        wordButton('Path to here', () => pathEnds.set({ to: id }), { 'data-action': 'path-to' })));
    this.near.replaceChildren(headingOf('near-heading', 'Nearest on the map'),
      this.#list(`Nearest on the map to ${track.title}`, near.filter(Boolean)));
  }

  #list(label, tracks) {
    const list = trackList(label, this.#signal);
    const play = (track) => (player.track?.id === track.id ? player.toggle() : queue.begin([track]));
    list.append(...tracks.map((track) => trackRow(track, { onplay: () => play(track) }, this.#signal)));
    return list;
  }
}

function headingOf(id, words) {
  return element('h2', { id }, words);
}
