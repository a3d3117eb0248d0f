// A track's loudness over time, with passages marked, a stretch selected, and what has played of it.

import { darkScheme } from './colours.js';
import { element } from './element.js';

const BAR_PIXELS = 2;
const GAP_PIXELS = 1;
const DRAG_PIXELS = 5;

export class Waveform {
  #canvas = element('canvas', { 'aria-hidden': 'true' });
  #peaks = [];
  #seconds = 0;
  #marks = [];
  #range = null;
  #played = 0;
  #actions;

  /** `onplay(seconds)` on a click; `onrange(from, to)`, where given, on a drag. The signal ends its listeners. */
  constructor({ onplay, onrange }, signal) {
    this.#actions = { onplay, onrange };
    this.element = element('div', { class: onrange ? 'waveform is-selectable' : 'waveform' }, this.#canvas);
    const sizes = new ResizeObserver(() => this.draw());
    sizes.observe(this.element);
    signal.addEventListener('abort', () => sizes.disconnect());
    darkScheme.addEventListener('change', () => this.draw(), { signal });
    this.element.addEventListener('pointerdown', (event) => this.#press(event));
  }

  /** The length is kept where it is already known from the track. */
  setPeaks(seconds, peaks) {
    this.#seconds = seconds;
    this.#peaks = peaks;
    this.element.dataset.points = peaks.length;
    this.draw();
  }

  /** Marked stretches `{ from, to, isChosen }` in seconds. */
  setMarks(marks) {
    this.#marks = marks;
    this.element.dataset.marks = marks.length;
    this.draw();
  }

  setRange(range) {
    this.#range = range;
    this.draw();
  }

  setPlayed(seconds) {
    const before = this.#played;
    this.#played = seconds;
    const pixels = this.element.clientWidth / (this.#seconds || 1);
    if (Math.round(before * pixels) !== Math.round(seconds * pixels)) this.draw();
  }

  #secondsAt(clientX) {
    const box = this.element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * this.#seconds;
  }

  #press(event) {
    if (event.button !== 0 || !this.#seconds) return;
    const { onplay, onrange } = this.#actions;
    const start = event.clientX;
    let isDragging = false;
    const listening = new AbortController();
    const { signal } = listening;
    const stretch = (at) => [this.#secondsAt(start), this.#secondsAt(at)].sort((a, b) => a - b);
    const move = ({ clientX }) => {
      if (!onrange || (!isDragging && Math.abs(clientX - start) < DRAG_PIXELS)) return;
      isDragging = true;
      const [from, to] = stretch(clientX);
      this.setRange({ from, to });
    };
    const release = ({ clientX }) => {
      listening.abort();
      if (isDragging) onrange(...stretch(clientX));
      else if (Math.abs(clientX - start) < DRAG_PIXELS) onplay(this.#secondsAt(clientX));
    };
    window.addEventListener('pointermove', move, { signal });
    window.addEventListener('pointerup', release, { signal });
    // A touch that turns into scrolling is neither a click nor a selection.
    window.addEventListener('pointercancel', () => listening.abort(), { signal });
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const pen = this.#canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.element);
    const tone = (name) => style.getPropertyValue(name).trim();
    const at = (seconds) => (seconds / (this.#seconds || 1)) * width;

    for (const { from, to, isChosen } of this.#marks) {
      pen.fillStyle = tone(isChosen ? '--mark-chosen' : '--mark');
      pen.fillRect(at(from), 0, Math.max(3, at(to) - at(from)), height);
    }
    if (this.#range) {
      pen.fillStyle = tone('--mark-chosen');
      pen.fillRect(at(this.#range.from), 0, at(this.#range.to) - at(this.#range.from), height);
      pen.fillStyle = tone('--accent');
      for (const edge of [this.#range.from, this.#range.to]) pen.fillRect(at(edge) - 1, 0, 2, height);
    }
    this.#drawBars(pen, width, height, tone, at);
  }

  #drawBars(pen, width, height, tone, at) {
    const count = Math.floor(width / (BAR_PIXELS + GAP_PIXELS));
    const stretches = this.#range ? [...this.#marks, this.#range] : this.#marks;
    const colours = { plain: tone('--wave'), played: tone('--wave-played'), marked: tone('--accent') };
    for (let bar = 0; bar < count; bar += 1) {
      const first = Math.floor((bar / count) * this.#peaks.length);
      const past = Math.max(first + 1, Math.floor(((bar + 1) / count) * this.#peaks.length));
      const peak = this.#peaks.length ? Math.max(...this.#peaks.slice(first, past)) : 0;
      const x = bar * (BAR_PIXELS + GAP_PIXELS);
      const isMarked = stretches.some(({ from, to }) => x >= at(from) - BAR_PIXELS && x <= at(to));
      pen.fillStyle = isMarked ? colours.marked : x < at(this.#played) ? colours.played : colours.plain;
      const tall = Math.max(1, peak * (height - 8));
      pen.fillRect(x, (height - tall) / 2, BAR_PIXELS, tall);
    }
  }
}
