// One track in a list: its words, how near it is, and what can be done with it.

import { notice } from './announcer.js';
import { clock } from './clock.js';
import { cover } from './cover.js';
import { element, icon, iconButton } from './element.js';
import { opinionButtons } from './opinions.js';
import { mix, queue } from './session.js';
import { creditOf, nameOf, quoted, remember } from './tracks.js';

/**
 * A list item. `from` is the track this one is an answer to (opinions are about the pair); `onplay` begins playing;
 * `onopen(isOpen, panel)`, where given, fills the panel below the row.
 */
export function trackRow(track, { similarity, from, onplay, onopen }, signal) {
  remember(track);
  const panel = element('div', { class: 'row-panel', hidden: true });
  const open = iconButton('open', `More about ${nameOf(track)}`, () => setOpen(open.getAttribute('aria-expanded') !== 'true'),
    { class: onopen ? 'icon-button row-open' : 'icon-button row-open is-narrow-only', 'aria-expanded': 'false', 'data-action': 'open' });
  const row = element('li', { class: 'row', 'data-track-id': track.id },
    element('button', { type: 'button', class: 'row-play', 'data-action': 'play', 'aria-label': `Play ${nameOf(track)}`, onclick: onplay },
      cover(track), icon('play'), icon('pause')),
    element('div', { class: 'row-words' },
      element('a', { class: 'row-title', href: `#/track/${track.id}` }, track.title),
      element('span', { class: 'row-credit' }, creditOf(track))),
    similarity === undefined || similarity === null ? null : similarityMark(similarity),
    element('span', { class: 'row-clock' }, clock(track.duration_seconds ?? NaN)),
    rowActions(track, from, signal), open, panel);

  function setOpen(isOpen) {
    open.setAttribute('aria-expanded', String(isOpen));
    row.classList.toggle('is-open', isOpen);
    panel.hidden = !isOpen || !onopen;
    onopen?.(isOpen, panel);
  }
  if (onopen) {
    row.addEventListener('click', ({ target }) => {
      if (!target.closest('button, a, input, .row-panel')) setOpen(!row.classList.contains('is-open'));
    });
  }
  row.close = () => row.classList.contains('is-open') && setOpen(false);
  return row;
}

/** The number, and a bar as long as it: cosines below 0 have no bar. */
function similarityMark(similarity) {
  const length = element('span');
  length.style.width = `${Math.round(Math.min(1, Math.max(0, similarity)) * 100)}%`;
  return element('span', { class: 'similarity', 'data-similarity': similarity },
    element('span', { class: 'visually-hidden' }, 'Similarity '),
    element('span', { class: 'similarity-number' }, similarity.toFixed(2)),
    element('span', { class: 'similarity-bar', 'aria-hidden': 'true' }, length));
}

function rowActions(track, from, signal) {
  const name = nameOf(track);
  const opinion = from && from.id !== track.id ? opinionButtons(() => ({ query: from.id, result: track.id }), track, signal) : null;
  return element('div', { class: 'row-actions' },
    iconButton('queue', `Queue ${name}`, () => {
      queue.append([track]);
      notice(`${quoted(track)} is in the queue.`);
    }, { 'data-action': 'queue' }),
    opinion?.like, opinion?.dislike,
    iconButton('more', `More like ${name} (add to the mix)`, () => {
      mix.more(track);
      notice(`The mix asks for more like ${quoted(track)}.`);
    }, { 'data-action': 'more' }),
    from ? iconButton('less', `Less like ${name} (subtract from the mix)`, () => {
      mix.less(track, from);
      notice(`The mix asks for less like ${quoted(track)}.`);
    }, { 'data-action': 'less' }) : null);
}
