// The search box of the header: searches while typing, and leads into the list by the keyboard.

import { go, place } from './router.js';
import { enterList } from './track_list.js';

const DEBOUNCE_MILLISECONDS = 200;

export function tendSearchBox() {
  const box = document.getElementById('search');
  const list = () => document.getElementById('results');
  let timer;
  const search = () => {
    clearTimeout(timer);
    const text = box.value.trim();
    const hash = text ? `#/search?q=${encodeURIComponent(text)}` : '#/';
    const isSearching = ['search', 'library'].includes(place().name);
    if ((location.hash || '#/') !== hash) go(hash, { isReplacing: isSearching });
  };
  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, DEBOUNCE_MILLISECONDS);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' && enterList(list())) event.preventDefault();
    if (event.key === 'Enter') {
      search();
      // On touch the keyboard covers the answers until the box lets go.
      if (matchMedia('(pointer: coarse)').matches) box.blur();
      else enterList(list());
    }
    if (event.key === 'Escape' && !box.value) box.blur();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches('input:not([type=range]):not([type=checkbox]), textarea, select')) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  const show = () => {
    const there = place();
    if (document.activeElement === box) return;
    box.value = there.name === 'search' ? there.query.get('q') ?? '' : '';
  };
  window.addEventListener('hashchange', show);
  show();
}
