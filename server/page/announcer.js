// Tells what happened: to screen readers alone, or to everybody as a short notice.

const NOTICE_MILLISECONDS = 5000;

/** Said by a screen reader, not seen. */
export function announce(text) {
  const region = document.getElementById('announcer');
  // The same words twice are announced only if the region changes in between.
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; });
}

/** Seen above the player for a while, and said. */
export function notice(text, { isProblem = false } = {}) {
  const region = document.getElementById('notices');
  const note = document.createElement('p');
  note.className = isProblem ? 'notice notice-problem' : 'notice';
  note.textContent = text;
  region.replaceChildren(note);
  setTimeout(() => note.remove(), isProblem ? 2 * NOTICE_MILLISECONDS : NOTICE_MILLISECONDS);
}
