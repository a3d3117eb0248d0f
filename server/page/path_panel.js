// A path between two tracks: its ends are chosen here or anywhere on the page, its stops are listed and played.

import { announce } from './announcer.js';
import { api, isAborted } from './api.js';
import { element, iconButton, wordButton } from './element.js';
import { pathEnds } from './path_ends.js';
import { player, queue } from './session.js';
import { failure, waiting } from './state_line.js';
import { trackList } from './track_list.js';
import { trackPicker } from './track_picker.js';
import { trackRow } from './track_row.js';
import { trackOf } from './tracks.js';

const COUNT = 10;

/** `onpath(ids)` is told of the stops, none while there is no path. */
export function pathPanel(onpath, signal) {
  const pickers = {
    from: trackPicker({ id: 'path-from', label: 'From', onpick: ({ id }) => pathEnds.set({ from: id }) }, signal),
    to: trackPicker({ id: 'path-to', label: 'To', onpick: ({ id }) => pathEnds.set({ to: id }) }, signal),
  };
  const swap = iconButton('swap', 'Swap the ends', () => pathEnds.set({ from: pathEnds.ends.to, to: pathEnds.ends.from }), { id: 'path-swap' });
  const play = wordButton('Play the path', () => begin(0), { iconName: 'play', class: 'button is-main', id: 'play-path' });
  const clear = wordButton('Clear', () => pathEnds.set({ from: null, to: null }), { class: 'button is-plain', id: 'path-clear' });
  const buttons = element('div', { class: 'buttons', hidden: true }, play, clear);
  const place = element('div', { id: 'path-stops' });
  let tracks = [];
  let asking = new AbortController();
  let asked = null;
  signal.addEventListener('abort', () => asking.abort());

  function begin(at) {
    if (player.track?.id === tracks[at].id) player.toggle();
    else queue.begin(tracks.slice(at), { seeds: [tracks.at(-1).id], query: tracks[0].id });
  }

  async function show(isAgain = false) {
    const { from, to } = pathEnds.ends;
    const key = `${from}-${to}`;
    if (key === asked && !isAgain) return;
    asked = key;
    asking.abort();
    asking = new AbortController();
    const listening = asking.signal;
    for (const [name, id] of Object.entries({ from, to })) {
      pickers[name].show(null);
      if (id !== null) trackOf(id).then((track) => listening.aborted || pickers[name].show(track), () => {});
    }
    buttons.hidden = from === null && to === null;
    play.hidden = true;
    if (from === null || to === null) {
      place.replaceChildren(element('p', { class: 'quiet' }, 'Choose two tracks to be led from one to the other by similar steps.'));
      onpath([]);
      return;
    }
    place.replaceChildren(waiting('Looking for a path…'));
    try {
      const answer = await api.path(from, to, COUNT, listening);
      const stops = answer.tracks;
      tracks = stops.map(({ track }) => track);
      const list = trackList('Stops of the path', signal);
      list.append(...stops.map(({ track, similarity }, at) => trackRow(track, { similarity, onplay: () => begin(at) }, signal)));
      place.replaceChildren(list);
      play.hidden = !stops.length;
      onpath(tracks.map(({ id }) => id));
      announce(`A path of ${stops.length} tracks`);
    } catch (problem) {
      if (isAborted(problem)) return;
      place.replaceChildren(failure(problem, () => show(true)));
      onpath([]);
    }
  }

  const panel = element('section', { class: 'panel path-panel', 'aria-labelledby': 'path-heading' },
    element('h2', { id: 'path-heading' }, 'Path'), element('div', { class: 'path-ends' }, pickers.from, swap, pickers.to), buttons, place);
  return { panel, show };
}
