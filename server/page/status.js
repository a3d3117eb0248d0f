// The status line: what the server says of its library, for as long as it says it.

import { api } from './api.js';

const FIRST_WAIT_MILLISECONDS = 1000;
const LONGEST_WAIT_MILLISECONDS = 30000;

/** `onchange()` is called when the library's generation, or its model, is another one than before. */
export function followStatus(onchange) {
  const part = (name) => document.getElementById(`status-${name}`);
  let before = null;
  let wait = FIRST_WAIT_MILLISECONDS;

  function show({ model, generation, tracks, failed, run }) {
    part('tracks').textContent = `${tracks.toLocaleString('en')} tracks${failed ? `, ${failed} failed` : ''}`;
    part('model').textContent = model ? `model ${model.slice(0, 8)}` : 'no model yet';
    part('generation').textContent = generation === null || generation === undefined ? '' : `generation ${generation}`;
    const isRunning = run && run.finished_at === null;
    const step = isRunning ? run.steps?.find(({ finished_at: end }) => end === null) : null;
    part('run').textContent = isRunning ? `${run.command} running${step ? `: ${step.name}` : ''}` : '';
    document.getElementById('status').dataset.generation = generation ?? '';
    const now = `${model}/${generation}`;
    if (before !== null && before !== now) onchange();
    before = now;
  }

  function listen() {
    const events = new EventSource(api.eventsAddress());
    events.addEventListener('open', () => {
      wait = FIRST_WAIT_MILLISECONDS;
      part('connection').textContent = '';
    });
    events.addEventListener('state', ({ data }) => {
      try {
        show(JSON.parse(data));
      } catch {
        // One event that cannot be read is no reason to stop listening: the next tells the whole state again.
      }
    });
    events.addEventListener('error', () => {
      part('connection').textContent = 'connection lost, trying again';
      // The browser tries again by itself after a broken line, but gives up after an answer of another kind.
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, wait);
      wait = Math.min(LONGEST_WAIT_MILLISECONDS, wait * 2);
    });
  }
  listen();
}
