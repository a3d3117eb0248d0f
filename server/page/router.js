// Views by the address's hash, so that back, forward and reload keep the place.

/** The hash taken apart: `#/track/17?from=60` is `{ name: 'track', id: '17', query }`. */
export function place() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/');
  return { name: name || 'library', id, query: new URLSearchParams(query) };
}

/** Goes to a hash. Replacing leaves no step to go back to: for typing and for sliders. */
export function go(hash, { isReplacing = false } = {}) {
  if (isReplacing) {
    history.replaceState(null, '', hash);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = hash;
  }
}

/** Writes a hash that the present view already shows, without showing it again. */
export function writeHash(hash) {
  if (location.hash !== hash) history.replaceState(null, '', hash);
}

/**
 * A view is `{ title, show(main, place, signal) }`; show returns `{ update?(place), refresh?() }`.
 * The signal ends with the view, and with it every listener and request that was given it.
 */
export class Router {
  #views;
  #main;
  #shown = null;

  constructor(views, main) {
    this.#views = views;
    this.#main = main;
    window.addEventListener('hashchange', () => this.#show(true));
  }

  start() {
    this.#show(false);
  }

  /** Asks the present answers again. */
  refresh() {
    this.#shown?.handle?.refresh?.();
  }

  #show(isMoving) {
    const there = place();
    const view = Object.hasOwn(this.#views, there.name) ? this.#views[there.name] : this.#views.library;
    if (this.#shown?.view === view && this.#shown.handle?.update?.(there)) return;
    this.#shown?.ending.abort();
    const ending = new AbortController();
    this.#main.replaceChildren();
    this.#main.className = `view-${view.name}`;
    document.title = `${view.title} – Similar tracks`;
    for (const link of document.querySelectorAll('.places a')) {
      if (link.dataset.place === view.place) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#shown = { view, ending, handle: view.show(this.#main, there, ending.signal) };
    // Whoever typed in the search box goes on typing there; all others are taken to the new view.
    if (isMoving && document.activeElement?.id !== 'search') {
      window.scrollTo(0, 0);
      this.#main.focus({ preventScroll: true });
    }
  }
}
