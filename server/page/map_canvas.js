// The map as an element: points below, marks above, and what is done to them.

import { channelsOf, colourOfRank, darkScheme } from './colours.js';
import { element, iconButton } from './element.js';
import { MapCamera } from './map_camera.js';
import { tendGestures, ZOOM_STEP } from './map_gestures.js';
import { drawOverlay } from './map_overlay.js';
import { planeRenderer } from './map_plane.js';
import { webglRenderer } from './map_webgl.js';

const HOVER_PIXELS = 12;
const TOUCH_PIXELS = 22;
const FADED_ALPHA = 28;

export class MapCanvas {
  #canvas = element('canvas', { class: 'map-points', 'aria-hidden': 'true' });
  #overlay = element('canvas', { class: 'map-overlay', 'aria-hidden': 'true' });
  #tip = element('p', { class: 'map-tip', 'aria-hidden': 'true', hidden: true });
  #camera = new MapCamera();
  #renderer;
  #points = null;
  #marks = { path: [], chosen: -1, hovered: -1, singledOut: null, hasCrosshair: false };
  #frame = 0;
  #actions;

  /** `onchoose(index)` on a click, `onhover(index)` gives a promise of the words to show. */
  constructor({ onchoose, onhover }, signal) {
    this.#actions = { onchoose, onhover };
    this.element = element('div', {
      class: 'map', id: 'map', tabindex: '0', role: 'application', 'aria-label': 'Map of the library', 'aria-describedby': 'map-keys',
    }, this.#canvas, this.#overlay, this.#tip, element('div', { class: 'map-buttons' },
      iconButton('more', 'Zoom in', () => this.#zoom(ZOOM_STEP), { 'data-action': 'zoom-in' }),
      iconButton('less', 'Zoom out', () => this.#zoom(1 / ZOOM_STEP), { 'data-action': 'zoom-out' }),
      iconButton('fit', 'Show all', () => this.#fit(), { 'data-action': 'fit' })));
    this.#renderer = webglRenderer(this.#canvas);
    if (!this.#renderer) this.#usePlane();
    this.#canvas.addEventListener('webglcontextlost', () => this.#usePlane(), { signal });
    this.element.dataset.renderer = this.#renderer.name;
    tendGestures(this.element, {
      pan: (dx, dy) => this.#move(() => this.#camera.pan(dx, dy)),
      zoom: (factor, x, y) => this.#zoom(factor, x, y),
      fit: () => this.#fit(),
      hover: (x, y) => this.#hover(x, y),
      leave: () => this.#setHovered(-1),
      click: (x, y, kind) => this.#choose(x, y, kind === 'touch' ? TOUCH_PIXELS : HOVER_PIXELS),
      enter: () => this.#choose(this.#camera.width / 2, this.#camera.height / 2, Infinity),
    }, signal);
    const sizes = new ResizeObserver(() => this.draw());
    sizes.observe(this.element);
    signal.addEventListener('abort', () => {
      sizes.disconnect();
      cancelAnimationFrame(this.#frame);
    });
    darkScheme.addEventListener('change', () => this.#colour(), { signal });
    for (const name of ['focus', 'blur']) this.element.addEventListener(name, () => this.#mark({ hasCrosshair: this.element.matches(':focus-visible') }));
  }

  setPoints(points) {
    const isFirst = this.#points === null;
    this.#points = points;
    // A map drawn again after an ingest keeps the part that is being looked at.
    if (isFirst) {
      this.#camera.resize(this.element.clientWidth, this.element.clientHeight);
      this.#camera.fit(points.bounds);
    }
    this.#marks = { ...this.#marks, path: [], chosen: -1, hovered: -1 };
    this.#renderer.setPoints(points);
    this.element.dataset.points = points.count;
    this.#colour();
  }

  /** Marks a track and brings it into sight. */
  setChosen(index) {
    if (index >= 0) this.#camera.show(this.#points.positions[2 * index], this.#points.positions[2 * index + 1]);
    this.#mark({ chosen: index });
  }

  setPath(indices) {
    const path = indices.filter((index) => index >= 0);
    const { positions } = this.#points;
    if (path.some((i) => !this.#camera.sees(positions[2 * i], positions[2 * i + 1]))) this.#camera.fit(this.#points.bounds);
    this.#mark({ path });
    this.element.dataset.path = this.#marks.path.length;
  }

  /** Shows one genre alone (its rank), or all again (null). */
  singleOut(rank) {
    this.#marks.singledOut = rank;
    this.#colour();
  }

  #usePlane() {
    // A canvas that once gave a WebGL context gives no other: the plane needs a new one.
    const fresh = element('canvas', { class: 'map-points', 'aria-hidden': 'true' });
    this.#canvas.replaceWith(fresh);
    this.#canvas = fresh;
    this.#renderer = planeRenderer(fresh);
    this.element.dataset.renderer = this.#renderer.name;
    if (this.#points) this.#colour();
  }

  #colour() {
    if (!this.#points) return;
    const { ranks, count } = this.#points;
    const { singledOut } = this.#marks;
    const channels = Array.from({ length: 256 }, (_, rank) => channelsOf(colourOfRank(rank)));
    const colours = new Uint8Array(4 * count);
    for (let i = 0; i < count; i += 1) {
      colours.set(channels[ranks[i]], 4 * i);
      colours[4 * i + 3] = singledOut !== null && singledOut !== ranks[i] ? FADED_ALPHA : 225;
    }
    this.#renderer.setColours(colours);
    this.draw();
  }

  #mark(marks) {
    Object.assign(this.#marks, marks);
    this.draw();
  }

  #move(change) {
    change();
    this.#setHovered(-1);
    this.draw();
  }

  #zoom(factor, x, y) {
    this.#move(() => this.#camera.zoomBy(factor, x, y));
  }

  #fit() {
    if (this.#points) this.#move(() => this.#camera.fit(this.#points.bounds));
  }

  #indexAt(x, y, pixels) {
    if (!this.#points) return -1;
    const [mapX, mapY] = this.#camera.toMap(x, y);
    return this.#points.nearest(mapX, mapY, Number.isFinite(pixels) ? pixels / this.#camera.scale : 3, this.#marks.singledOut);
  }

  #choose(x, y, pixels) {
    const index = this.#indexAt(x, y, pixels);
    if (index >= 0) this.#actions.onchoose(index);
  }

  #hover(x, y) {
    this.#setHovered(this.#indexAt(x, y, HOVER_PIXELS));
  }

  async #setHovered(index) {
    if (index === this.#marks.hovered) return;
    this.#mark({ hovered: index });
    this.element.classList.toggle('is-over', index >= 0);
    this.#tip.hidden = true;
    if (index < 0) return;
    const words = await this.#actions.onhover(index);
    if (this.#marks.hovered !== index || !words) return;
    this.#tip.textContent = words;
    this.#tip.hidden = false;
    const [x, y] = this.#camera.toScreen(this.#points.positions[2 * index], this.#points.positions[2 * index + 1]);
    const half = this.#tip.offsetWidth / 2 + 8;
    this.#tip.style.left = `${Math.min(this.#camera.width - half, Math.max(half, x))}px`;
    this.#tip.style.top = `${y < 60 ? y + 16 : y - 16 - this.#tip.offsetHeight}px`;
  }

  /** Draws at the next frame, however often it is called before. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!this.#points || !width || !height) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.#camera.resize(width, height);
    for (const canvas of [this.#canvas, this.#overlay]) {
      // Setting a canvas's size clears it and lets go of its memory, even where nothing changes.
      if (canvas.width === Math.round(width * ratio) && canvas.height === Math.round(height * ratio)) continue;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.#renderer.draw(this.#points, this.#camera, ratio);
    drawOverlay(this.#overlay, this.#points, this.#camera, ratio, this.#marks);
    // What is seen, for tests and for whoever asks why.
    Object.assign(this.element.dataset, { x: this.#camera.x.toFixed(5), y: this.#camera.y.toFixed(5), scale: this.#camera.scale.toFixed(3) });
  }
}
