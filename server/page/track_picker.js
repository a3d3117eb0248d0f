// A field that finds a track by words: a combobox with a list of what fits.

import { api, isAborted } from './api.js';
import { element } from './element.js';
import { nameOf, remember } from './tracks.js';

const DEBOUNCE_MILLISECONDS = 180;
const COUNT = 8;

/** `onpick(track)`; `isClearing` empties the field after each pick. The element has `show(track)`. */
export function trackPicker({ id, label, onpick, isClearing = false }, signal) {
  const input = element('input', {
    type: 'text', id, role: 'combobox', autocomplete: 'off', spellcheck: 'false', 'aria-expanded': 'false', 'aria-autocomplete': 'list', 'aria-controls': `${id}-list`, placeholder: 'Title or artist',
  });
  const list = element('ul', { id: `${id}-list`, role: 'listbox', class: 'picker-list', 'aria-label': label, hidden: true });
  const field = element('div', { class: 'picker' }, element('label', { for: id }, label), input, list);
  let found = [];
  let active = -1;
  let timer;
  let asking = new AbortController();
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    asking.abort();
  });

  function setOpen(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) setActive(-1);
  }

  function setActive(at) {
    active = at;
    [...list.children].forEach((option, index) => option.setAttribute('aria-selected', String(index === at)));
    if (at >= 0) input.setAttribute('aria-activedescendant', `${id}-${at}`);
    else input.removeAttribute('aria-activedescendant');
    list.children[at]?.scrollIntoView({ block: 'nearest' });
  }

  function pick(at) {
    const track = found[at];
    if (!track) return;
    setOpen(false);
    input.value = isClearing ? '' : nameOf(track);
    onpick(track);
  }

  async function search() {
    asking.abort();
    asking = new AbortController();
    try {
      found = (await api.tracks(input.value.trim(), 0, COUNT, asking.signal)).tracks.map(remember);
    } catch (problem) {
      if (isAborted(problem)) return;
      found = [];
    }
    list.replaceChildren(...found.map((track, at) => element('li', {
      id: `${id}-${at}`, role: 'option', 'data-track-id': track.id, 'aria-selected': 'false',
      // Before the field loses its focus, which would close the list under the pointer.
      onpointerdown: (event) => event.preventDefault(), onclick: () => pick(at),
    }, element('span', { class: 'row-title' }, track.title), element('span', { class: 'row-credit' }, track.artist ?? 'Unknown artist'))));
    setOpen(found.length > 0 && document.activeElement === input);
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, DEBOUNCE_MILLISECONDS);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') setOpen(false);
    else if (event.key === 'Enter') pick(active < 0 ? 0 : active);
    else if (event.key === 'ArrowDown' && list.hidden) search();
    else if (event.key === 'ArrowDown') setActive((active + 1) % found.length);
    else if (event.key === 'ArrowUp') setActive((active + found.length - 1) % Math.max(1, found.length));
    else return;
    event.preventDefault();
  });
  input.addEventListener('focus', () => input.select());
  input.addEventListener('blur', () => setOpen(false));
  field.show = (track) => { input.value = track ? nameOf(track) : ''; };
  return field;
}
