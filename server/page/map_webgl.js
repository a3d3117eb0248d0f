// Draws the map's points by WebGL: positions and colours lie on the card, and a frame is one call.

// `size` is in both shaders: without a precision of its own it would differ between them and the program would not link.
const VERTEX = `
attribute vec2 position;
attribute vec4 colour;
uniform vec2 centre;
uniform vec2 stretch;
uniform mediump float size;
varying mediump vec4 tint;
void main() {
  gl_Position = vec4((position - centre) * stretch, 0.0, 1.0);
  gl_PointSize = size;
  tint = colour;
}`;

// Premultiplied, as the canvas is laid over the page's ground.
const FRAGMENT = `
precision mediump float;
uniform mediump float size;
varying vec4 tint;
void main() {
  float far = distance(gl_PointCoord, vec2(0.5)) * size;
  float cover = clamp(size * 0.5 - far + 0.25, 0.0, 1.0) * tint.a;
  gl_FragColor = vec4(tint.rgb * cover, cover);
}`;

/** A renderer, or null where the browser has no WebGL, or one that the processor would draw: the plane is faster then. */
export function webglRenderer(canvas) {
  const gl = canvas.getContext('webgl', { antialias: false, premultipliedAlpha: true, failIfMajorPerformanceCaveat: true });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const [centre, stretch, size] = ['centre', 'stretch', 'size'].map(uniform);
  const buffers = { position: gl.createBuffer(), colour: gl.createBuffer() };

  function load(name, values, width, kind, isNormalised) {
    const place = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, width, kind, isNormalised, 0, 0);
  }

  return {
    name: 'webgl',
    setPoints: ({ positions }) => load('position', positions, 2, gl.FLOAT, false),
    /** Red, green, blue, alpha of each point, 0..255. */
    setColours: (colours) => load('colour', colours, 4, gl.UNSIGNED_BYTE, true),
    draw(points, camera, ratio) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(centre, camera.x, camera.y);
      gl.uniform2f(stretch, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
      gl.uniform1f(size, camera.pointPixels(points.count) * ratio);
      gl.drawArrays(gl.POINTS, 0, points.count);
    },
  };
}
