// The library: everything, or what a search finds.

import { announce } from './announcer.js';
import { api, isAborted } from './api.js';
import { element, wordButton } from './element.js';
import { player, queue } from './session.js';
import { empty, failure, waiting } from './state_line.js';
import { holdPlace, trackList } from './track_list.js';
import { trackRow } from './track_row.js';

const PAGE = 50;

export const searchView = { name: 'search', place: 'library', title: 'Library', show };

function show(main, there, signal) {
  const heading = element('h1', {}, 'Library');
  const count = element('p', { class: 'quiet', id: 'result-count' });
  const list = trackList('Tracks found', signal);
  list.id = 'results';
  const more = wordButton('More', () => load(true), { id: 'more', hidden: true });
  const state = element('div', {}, waiting());
  main.append(element('div', { class: 'heading' }, heading, count), list, state, element('p', { class: 'more' }, more));
  let text = there.query.get('q') ?? '';
  let asking = new AbortController();
  signal.addEventListener('abort', () => asking.abort());

  async function load(isMore, limit = PAGE) {
    asking.abort();
    asking = new AbortController();
    const offset = isMore ? list.children.length : 0;
    more.disabled = true;
    try {
      const { total, tracks } = await api.tracks(text, offset, limit, asking.signal);
      const takeUp = holdPlace(list);
      if (!isMore) list.replaceChildren();
      list.append(...tracks.map((track) => trackRow(track, { onplay: () => playOne(track) }, signal)));
      if (!isMore) takeUp();
      document.title = `${text ? `“${text}”` : 'Library'} – Similar tracks`;
      heading.textContent = text ? `“${text}”` : 'Library';
      count.textContent = `${total.toLocaleString('en')} ${total === 1 ? 'track' : 'tracks'}`;
      state.replaceChildren(...(total ? [] : [empty(text ? 'Nothing found. Titles, artists, albums and file names are searched.' : 'The library holds no tracks yet. Run an ingest to fill it.')]));
      more.hidden = list.children.length >= total || !tracks.length;
      // What was pressed for is where the reading goes on.
      if (isMore) list.children[offset]?.querySelector('.row-title').focus();
      announce(isMore ? `${tracks.length} more tracks` : `${total} tracks found`);
    } catch (problem) {
      if (isAborted(problem)) return;
      if (!isMore) list.replaceChildren();
      state.replaceChildren(failure(problem, () => load(isMore)));
    } finally {
      more.disabled = false;
    }
  }

  load(false);
  return {
    update(next) {
      text = next.query.get('q') ?? '';
      load(false);
      return true;
    },
    refresh: () => load(false, Math.max(PAGE, list.children.length)),
  };
}

function playOne(track) {
  if (player.track?.id === track.id) player.toggle();
  else queue.begin([track]);
}
