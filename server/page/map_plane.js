// Draws the map's points without WebGL: small points are written into the picture's own memory, for a call of the
// canvas for each of 50,000 would take a second; large ones, of which few are in sight, are stamped smoothly.

const LARGEST_WRITTEN_PIXELS = 5;

export function planeRenderer(canvas) {
  const pen = canvas.getContext('2d');
  let colours = new Uint8Array();
  let stamps = new Map();
  let stampPixels = 0;
  let picture = null;

  function stampOf(i, pixels) {
    const key = (colours[4 * i] << 24) | (colours[4 * i + 1] << 16) | (colours[4 * i + 2] << 8) | colours[4 * i + 3];
    if (!stamps.has(key)) {
      const side = Math.ceil(pixels) + 2;
      const stamp = document.createElement('canvas');
      stamp.width = stamp.height = side;
      const ink = stamp.getContext('2d');
      ink.fillStyle = `rgba(${colours[4 * i]}, ${colours[4 * i + 1]}, ${colours[4 * i + 2]}, ${colours[4 * i + 3] / 255})`;
      ink.arc(side / 2, side / 2, pixels / 2, 0, 2 * Math.PI);
      ink.fill();
      stamps.set(key, stamp);
    }
    return stamps.get(key);
  }

  function stampAll(points, { scale, left, top }, pixels) {
    if (pixels !== stampPixels) {
      stamps = new Map();
      stampPixels = pixels;
    }
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const { positions } = points;
    const half = (Math.ceil(pixels) + 2) / 2;
    for (let i = 0; i < points.count; i += 1) {
      const x = positions[2 * i] * scale + left;
      const y = top - positions[2 * i + 1] * scale;
      if (x < -half || y < -half || x > canvas.width + half || y > canvas.height + half) continue;
      pen.drawImage(stampOf(i, pixels), Math.round(x - half), Math.round(y - half));
    }
  }

  function writeAll(points, { scale, left, top }, pixels) {
    const { width, height } = canvas;
    if (picture?.width !== width || picture?.height !== height) picture = new ImageData(width, height);
    const memory = new Uint32Array(picture.data.buffer);
    memory.fill(0);
    const inks = new Uint32Array(colours.buffer);
    const { positions } = points;
    const offsets = discOffsets(pixels, width);
    const reach = Math.ceil(pixels);
    for (let i = 0; i < points.count; i += 1) {
      const x = Math.floor(positions[2 * i] * scale + left);
      const y = Math.floor(top - positions[2 * i + 1] * scale);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const at = y * width + x;
      const alpha = colours[4 * i + 3];
      // A faded point must not wipe out one that is singled out.
      for (const offset of offsets) if (picture.data[4 * (at + offset) + 3] <= alpha) memory[at + offset] = inks[i];
    }
    pen.putImageData(picture, 0, 0);
  }

  return {
    name: '2d',
    setPoints() {},
    setColours(next) {
      colours = next;
      stamps = new Map();
    },
    draw(points, camera, ratio) {
      const pixels = camera.pointPixels(points.count) * ratio;
      const scale = camera.scale * ratio;
      const view = { scale, left: canvas.width / 2 - camera.x * scale, top: canvas.height / 2 + camera.y * scale };
      if (pixels <= LARGEST_WRITTEN_PIXELS) writeAll(points, view, pixels);
      else stampAll(points, view, pixels);
    },
  };
}

/** How far in memory the pixels of a disc lie from its middle one. */
function discOffsets(pixels, width) {
  const offsets = [];
  const radius = pixels / 2;
  for (let y = -Math.ceil(radius); y <= radius; y += 1) {
    for (let x = -Math.ceil(radius); x <= radius; x += 1) {
      if (Math.hypot(x + 0.25, y + 0.25) <= radius) offsets.push(y * width + x);
    }
  }
  return offsets;
}
