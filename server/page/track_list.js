// A list of track rows: arrows go through it, and the row that plays is marked.

import { element } from './element.js';
import { player } from './session.js';

/** The list's element; give it rows by `append`. `label` is what a screen reader calls it. */
export function trackList(label, signal) {
  const list = element('ol', { class: 'rows', 'aria-label': label });
  list.addEventListener('keydown', (event) => walk(list, event));
  const mark = () => markPlaying(list);
  player.addEventListener('state', mark, { signal });
  // Rows come in after the list was made, and one of them may be what plays.
  const comings = new MutationObserver(mark);
  comings.observe(list, { childList: true });
  signal.addEventListener('abort', () => comings.disconnect());
  return list;
}

/** Begins the list's keyboard walk at its first row; false where it is empty. */
export function enterList(list) {
  const first = list?.querySelector('.row-title');
  first?.focus();
  return Boolean(first);
}

/** Before a list is drawn anew: gives a function that takes the focus and the opened row up again. */
export function holdPlace(container) {
  const idOf = (row) => row?.dataset.trackId;
  const focused = container.contains(document.activeElement) ? idOf(document.activeElement.closest('.row')) : undefined;
  const opened = idOf(container.querySelector('.row.is-open'));
  return () => {
    const find = (id, what) => (id === undefined ? null : container.querySelector(`.row[data-track-id="${id}"] ${what}`));
    find(opened, '.row-open')?.click();
    find(focused, '.row-title')?.focus();
  };
}

function markPlaying(list) {
  for (const row of list.children) {
    const isCurrent = Number(row.dataset.trackId) === player.track?.id;
    if (isCurrent) row.dataset.playing = player.isPlaying ? 'playing' : 'paused';
    else delete row.dataset.playing;
    const button = row.querySelector('.row-play');
    if (!button) continue;
    const words = button.getAttribute('aria-label').replace(/^(Play|Pause) /, '');
    button.setAttribute('aria-label', `${isCurrent && player.isPlaying ? 'Pause' : 'Play'} ${words}`);
  }
}

/** Up and down between rows, left and right among what a row offers; text fields keep their arrows. */
function walk(list, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches('input')) return;
  const row = event.target.closest('.row');
  if (!row) return;
  const offers = (of) => [...of.querySelectorAll('.row-title, .row-play, .row-actions button, .row-open')].filter((node) => node.offsetParent && !node.disabled);
  const rows = [...list.children];
  const at = rows.indexOf(row);
  const here = offers(row);
  const place = here.indexOf(event.target);
  let goal = null;
  if (event.key === 'ArrowDown') goal = rows[at + 1];
  else if (event.key === 'ArrowUp') goal = at > 0 ? rows[at - 1] : document.getElementById('search');
  else if (event.key === 'Home') [goal] = rows;
  else if (event.key === 'End') goal = rows.at(-1);
  else if (event.key === 'ArrowRight') goal = here[place + 1];
  else if (event.key === 'ArrowLeft') goal = here[place - 1];
  else return;
  event.preventDefault();
  if (goal?.matches('.row')) goal = goal.querySelector('.row-title');
  goal?.focus();
}
