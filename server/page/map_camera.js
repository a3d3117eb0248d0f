// What part of the map is seen: from map coordinates (-1..1, y upwards) to pixels and back.

const MARGIN_PIXELS = 36;
const CLOSEST_ZOOM = 200;
const SMALLEST_ZOOM = 0.8;
// A library of a few tracks in one corner is not blown up beyond sense.
const FARTHEST_FIT = 4;

export class MapCamera {
  x = 0;
  y = 0;
  zoom = 1;
  width = 1;
  height = 1;

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  /** Pixels that a map unit is long. */
  get scale() {
    return (Math.max(40, Math.min(this.width, this.height) - 2 * MARGIN_PIXELS) / 2) * this.zoom;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }

  toMap(screenX, screenY) {
    return [(screenX - this.width / 2) / this.scale + this.x, this.y - (screenY - this.height / 2) / this.scale];
  }

  pan(pixelsX, pixelsY) {
    this.x = Math.min(1, Math.max(-1, this.x - pixelsX / this.scale));
    this.y = Math.min(1, Math.max(-1, this.y + pixelsY / this.scale));
  }

  /** Zooms about a place of the screen, which stays where it is. */
  zoomBy(factor, screenX = this.width / 2, screenY = this.height / 2) {
    const [x, y] = this.toMap(screenX, screenY);
    this.zoom = Math.min(CLOSEST_ZOOM, Math.max(SMALLEST_ZOOM, this.zoom * factor));
    this.x = x - (screenX - this.width / 2) / this.scale;
    this.y = y + (screenY - this.height / 2) / this.scale;
    this.pan(0, 0);
  }

  /** Shows everything within the bounds `{ left, right, bottom, top }`. */
  fit({ left, right, bottom, top }) {
    Object.assign(this, { x: (left + right) / 2, y: (bottom + top) / 2, zoom: 1 });
    const room = (pixels, wide) => (pixels - 2 * MARGIN_PIXELS) / (Math.max(wide, 0.01) * this.scale);
    this.zoom = Math.min(FARTHEST_FIT, Math.max(SMALLEST_ZOOM, Math.min(room(this.width, right - left), room(this.height, top - bottom))));
  }

  /** Whether a place is in sight, and not just at the edge. */
  sees(x, y) {
    const [screenX, screenY] = this.toScreen(x, y);
    const edge = MARGIN_PIXELS / 2;
    return screenX > edge && screenY > edge && screenX < this.width - edge && screenY < this.height - edge;
  }

  /** Brings a place to the middle, unless it is in sight. */
  show(x, y) {
    if (!this.sees(x, y)) Object.assign(this, { x, y });
  }

  /** How wide a point is drawn, in pixels: small where there are many, growing as one comes closer. */
  pointPixels(count) {
    const base = count > 20000 ? 2.2 : count > 4000 ? 3.2 : count > 800 ? 5 : 7;
    return Math.min(16, base * this.zoom ** 0.45);
  }
}
