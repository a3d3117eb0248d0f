// The queue, opened from the bar: what played, what plays and what comes.

import { clock } from './clock.js';
import { cover } from './cover.js';
import { element, iconButton, wordButton } from './element.js';
import { volumeControl } from './player_bar.js';
import { queue } from './session.js';
import { nameOf } from './tracks.js';

export function showQueuePanel(panel) {
  const button = document.getElementById('queue-toggle');
  const goesOn = element('input', { type: 'checkbox', role: 'switch', id: 'goes-on' });
  goesOn.addEventListener('change', () => queue.setGoesOn(goesOn.checked));
  const list = element('ol', { class: 'queue-items', id: 'queue-items' });
  const none = element('p', { class: 'empty' }, 'The queue is empty.');
  const clear = wordButton('Clear what comes', () => queue.clearUpcoming(), { class: 'button is-plain' });
  panel.append(
    element('div', { class: 'queue-head' }, element('h2', { id: 'queue-heading', tabindex: '-1' }, 'Queue'), iconButton('close', 'Close the queue', close)),
    element('label', { class: 'switch', for: 'goes-on' }, goesOn, element('span', {}, 'Go on with similar tracks')),
    element('div', { class: 'queue-volume' }, volumeControl()),
    list, none, element('p', { class: 'more' }, clear));

  function open() {
    panel.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    panel.querySelector('h2').focus();
    list.querySelector('[aria-current]')?.scrollIntoView({ block: 'center' });
  }

  function close() {
    panel.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    button.focus();
  }

  panel.addEventListener('toggle-panel', () => (panel.hidden ? open() : close()));
  panel.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
  // A link in the panel leads to what the panel covers on a narrow screen.
  window.addEventListener('hashchange', () => matchMedia('(max-width: 60rem)').matches && !panel.hidden && close());

  function show() {
    goesOn.checked = queue.goesOn;
    none.hidden = queue.items.length > 0;
    clear.hidden = !queue.upcoming.length;
    const had = panel.contains(document.activeElement) ? [...list.children].findIndex((item) => item.contains(document.activeElement)) : -1;
    list.replaceChildren(...queue.items.map(queueItem));
    // The list is drawn anew: whoever removed an item by the keyboard stays where they were.
    if (had >= 0) (list.children[Math.min(had, list.children.length - 1)]?.querySelector('button') ?? panel.querySelector('h2')).focus();
  }

  queue.addEventListener('change', show);
  show();
}

function queueItem(track, at) {
  const isCurrent = at === queue.position;
  const name = nameOf(track);
  return element('li', { class: at < queue.position ? 'queue-item is-past' : 'queue-item', 'data-track-id': track.id, 'aria-current': isCurrent ? 'true' : null },
    element('button', { type: 'button', class: 'queue-play', onclick: () => queue.jump(at) },
      cover(track), element('span', { class: 'visually-hidden' }, isCurrent ? 'Plays now: ' : 'Play '),
      element('span', { class: 'queue-words' }, element('span', { class: 'queue-title' }, track.title), element('span', { class: 'row-credit' }, track.artist ?? 'Unknown artist'))),
    element('span', { class: 'row-clock' }, clock(track.duration_seconds ?? NaN)),
    at > queue.position + 1 ? iconButton('up', `Play ${name} next`, () => queue.bringNext(at)) : null,
    isCurrent ? null : iconButton('close', `Take ${name} out of the queue`, () => queue.remove(at)));
}
