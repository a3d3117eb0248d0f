// What lies over the map's points: a path, the chosen track, the one under the pointer, names of large genres.

const LABELLED_GENRES = 8;
// A name over one or two points would hide them and say nothing of a region.
const SMALLEST_LABELLED = 3;

/** `marks` holds `path` (point indices), `chosen`, `hovered`, `playing` (an index or -1) and `hasCrosshair`. */
export function drawOverlay(canvas, points, camera, ratio, marks) {
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, camera.width, camera.height);
  const style = getComputedStyle(canvas);
  const tone = (name) => style.getPropertyValue(name).trim();
  const at = (i) => camera.toScreen(points.positions[2 * i], points.positions[2 * i + 1]);
  const radius = camera.pointPixels(points.count) / 2;

  drawLabels(pen, points, camera, { ink: tone('--ink'), ground: tone('--ground'), family: style.fontFamily }, marks.singledOut);
  if (marks.path.length) drawPath(pen, marks.path.map(at), { accent: tone('--accent'), ground: tone('--surface'), family: style.fontFamily });
  const ring = (i, colour, wide, extra) => {
    if (i < 0) return;
    pen.beginPath();
    pen.arc(...at(i), radius + extra, 0, 2 * Math.PI);
    pen.lineWidth = wide + 2;
    pen.strokeStyle = tone('--ground');
    pen.stroke();
    pen.lineWidth = wide;
    pen.strokeStyle = colour;
    pen.stroke();
  };
  ring(marks.hovered, tone('--ink'), 1.5, 3);
  ring(marks.chosen, tone('--accent'), 2.5, 5);
  if (marks.hasCrosshair) drawCrosshair(pen, camera, tone('--ink'));
}

function drawPath(pen, stops, { accent, ground, family }) {
  pen.lineJoin = 'round';
  pen.lineCap = 'round';
  for (const [colour, wide] of [[ground, 6], [accent, 2.5]]) {
    pen.beginPath();
    stops.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.stroke();
  }
  stops.forEach(([x, y], i) => {
    const isEnd = i === 0 || i === stops.length - 1;
    pen.beginPath();
    pen.arc(x, y, isEnd ? 9 : 5, 0, 2 * Math.PI);
    pen.fillStyle = isEnd ? accent : ground;
    pen.strokeStyle = isEnd ? ground : accent;
    pen.lineWidth = 2;
    pen.fill();
    pen.stroke();
    if (!isEnd) return;
    pen.fillStyle = ground;
    pen.font = `600 10px ${family}`;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.fillText(i === 0 ? 'A' : 'B', x, y + 0.5);
  });
}

/** The largest genres first; a name that would lie on another is left out. */
function drawLabels(pen, points, camera, { ink, ground, family }, singledOut) {
  pen.font = `600 13px ${family}`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.lineJoin = 'round';
  const taken = [];
  for (const genre of points.genres.slice(0, LABELLED_GENRES)) {
    if (genre.size < SMALLEST_LABELLED || (singledOut !== null && singledOut !== genre.rank)) continue;
    const [x, y] = camera.toScreen(genre.x, genre.y);
    const half = pen.measureText(genre.name).width / 2 + 6;
    const box = [x - half, y - 12, x + half, y + 12];
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
    taken.push(box);
    pen.lineWidth = 5;
    pen.strokeStyle = ground;
    pen.globalAlpha = 0.85;
    pen.strokeText(genre.name, x, y);
    pen.globalAlpha = 1;
    pen.fillStyle = ink;
    pen.fillText(genre.name, x, y);
  }
}

/** Shown while the map is worked by the keyboard: Enter plays what is nearest to it. */
function drawCrosshair(pen, camera, ink) {
  const [x, y] = [camera.width / 2, camera.height / 2];
  pen.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    pen.moveTo(x + 5 * dx, y + 5 * dy);
    pen.lineTo(x + 13 * dx, y + 13 * dy);
  }
  pen.lineWidth = 1.5;
  pen.strokeStyle = ink;
  pen.stroke();
}
