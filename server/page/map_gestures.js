// Wheel, drag, pinch, click and keys over the map, told as what they mean.

const CLICK_PIXELS = 5;
const KEY_PAN_PIXELS = 60;
export const ZOOM_STEP = 1.5;

/** `on` holds `pan(dx, dy)`, `zoom(factor, x, y)`, `fit()`, `hover(x, y)`, `leave()`, `click(x, y)` and `enter()`. */
export function tendGestures(area, on, signal) {
  const fingers = new Map();
  let start = null;
  let isDragging = false;
  const placeOf = ({ clientX, clientY }) => {
    const box = area.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  };
  const listen = (name, act, options) => area.addEventListener(name, act, { signal, ...options });

  listen('wheel', (event) => {
    event.preventDefault();
    // Wheels tell lines or pages where trackpads tell pixels.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    on.zoom(Math.exp(-Math.max(-200, Math.min(200, pixels)) * 0.003), ...placeOf(event));
  }, { passive: false });

  listen('pointerdown', (event) => {
    if (event.button !== 0 || event.target.closest('button')) return;
    area.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    if (fingers.size === 1) [start, isDragging] = [placeOf(event), false];
    else isDragging = true;
  });

  listen('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    const now = placeOf(event);
    if (!before) {
      if (event.pointerType === 'mouse') on.hover(...now);
      return;
    }
    if (fingers.size === 2) pinch(event.pointerId, before, now);
    else if (isDragging || Math.hypot(now[0] - start[0], now[1] - start[1]) > CLICK_PIXELS) {
      // The first move makes up for what the click's tolerance held back.
      const from = isDragging ? before : start;
      isDragging = true;
      on.pan(now[0] - from[0], now[1] - from[1]);
    }
    fingers.set(event.pointerId, now);
  });

  function pinch(moving, before, now) {
    const [, still] = [...fingers].find(([id]) => id !== moving);
    const apart = (finger) => Math.max(10, Math.hypot(finger[0] - still[0], finger[1] - still[1]));
    const middle = [(now[0] + still[0]) / 2, (now[1] + still[1]) / 2];
    on.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    on.zoom(apart(now) / apart(before), ...middle);
  }

  listen('pointerup', (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (!isDragging && !fingers.size) on.click(...placeOf(event), event.pointerType);
  });
  listen('pointercancel', (event) => {
    fingers.delete(event.pointerId);
    isDragging = true;
  });
  listen('pointerleave', () => on.leave());

  listen('keydown', (event) => {
    if (event.target !== area || event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (pans) on.pan(pans[0] * KEY_PAN_PIXELS, pans[1] * KEY_PAN_PIXELS);
    else if (event.key === '+' || event.key === '=') on.zoom(ZOOM_STEP);
    else if (event.key === '-') on.zoom(1 / ZOOM_STEP);
    else if (event.key === '0' || event.key === 'Home') on.fit();
    else if (event.key === 'Enter' || event.key === ' ') on.enter();
    else return;
    event.preventDefault();
  });
}
