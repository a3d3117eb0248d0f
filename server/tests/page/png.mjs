// Reads a screenshot's pixels: eight-bit RGB or RGBA without interlacing, which is what the browser writes.

import zlib from 'node:zlib';

/** `{ width, height, channels, pixels }` of a PNG. */
export function decode(file) {
  const chunks = [];
  let header = null;
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), channels: body[9] === 6 ? 4 : 3 };
    if (kind === 'IDAT') chunks.push(body);
    at += 12 + length;
  }
  return { ...header, pixels: unfilter(zlib.inflateSync(Buffer.concat(chunks)), header) };
}

/** The filters of PNG, 9.2: each line tells what its bytes were predicted from. */
function unfilter(raw, { width, height, channels }) {
  const stride = width * channels;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const left = x >= channels ? pixels[y * stride + x - channels] : 0;
      const up = y ? pixels[(y - 1) * stride + x] : 0;
      const corner = y && x >= channels ? pixels[(y - 1) * stride + x - channels] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + predicted;
    }
  }
  return pixels;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** How many pixels differ from the first one, which lies in a corner where nothing is drawn. */
export function countUnlike({ pixels, channels }, tolerance = 24) {
  const [red, green, blue] = pixels;
  let count = 0;
  for (let at = 0; at < pixels.length; at += channels) {
    const far = Math.max(Math.abs(pixels[at] - red), Math.abs(pixels[at + 1] - green), Math.abs(pixels[at + 2] - blue));
    if (far > tolerance) count += 1;
  }
  return count;
}
