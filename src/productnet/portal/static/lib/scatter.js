// A million points drawn by WebGL 2: one buffer of places, one of colour codes, one draw call.
// Written here because the libraries for it compile code at run time (regl), which the content
// security policy forbids.
// @ts-check

const VERTEX = `#version 300 es
in vec2 place;
in float code;
in float chosen;
uniform vec3 view;      // middle x, y; half the height of what is seen
uniform vec2 aspect;    // 1 / (width / height), 1
uniform float size;     // pixels
uniform float only;     // the code that is shown alone; -1 for all
uniform vec3 colours[32];
out vec4 colour;
void main() {
  int at = int(code + 0.5);
  bool aside = only >= 0.0 && abs(code - only) > 0.5;
  bool plain = at == 0 || aside;
  vec3 hue = aside ? colours[0] : colours[at];
  colour = vec4(hue, plain ? 0.55 : 0.9);
  float depth = plain ? 0.6 : 0.3;
  float wide = plain ? size : size * 1.25;
  if (chosen > 0.5) { colour = vec4(colours[31], 1.0); depth = 0.0; wide = size * 1.5; }
  gl_Position = vec4((place - view.xy) / view.z * aspect, depth, 1.0);
  gl_PointSize = wide;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 colour;
out vec4 pixel;
uniform float size;
void main() {
  if (size > 3.0) {
    vec2 from = gl_PointCoord - 0.5;
    if (dot(from, from) > 0.25) discard;
  }
  pixel = vec4(colour.rgb * colour.a, colour.a);
}`;

/** Points drawn while the view moves, where drawing all of them is slow. */
const ENOUGH_IN_MOTION = 150_000;
/** Below so many nothing is left out, however slow. */
const FEWEST_IN_MOTION = 30_000;
/** Milliseconds without a change after which it is another movement. */
const PAUSE = 3000;
/** Milliseconds between frames beyond which moving is slow. */
const SLOW = 34;
/** A stride in WebGL is at most 255 bytes. */
const MOST_SKIPPED = 31;

/** @typedef {{x: number, y: number, half: number}} View half: half the height that is seen. */

export class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Float32Array<ArrayBuffer>} points x, y by turns.
   * @param {() => void} drawn Called after each frame.
   */
  constructor(canvas, points, drawn) {
    this.canvas = canvas;
    /** @type {Float32Array<ArrayBuffer>} */
    this.points = points;
    this.count = points.length / 2;
    this.drawn = drawn;
    /** @type {View} */
    this.view = { x: 0, y: 0, half: 1.08 };
    this.only = -1;
    /** @type {Uint8Array<ArrayBuffer>} */
    this.codes = new Uint8Array(this.count);
    /** @type {Uint8Array<ArrayBuffer>} */
    this.chosen = new Uint8Array(this.count);
    this.colours = new Float32Array(32 * 3);
    this.skip = 1;
    /** @private @type {Record<"place" | "code" | "chosen", WebGLBuffer>} */
    this.buffers = /** @type {any} */ ({});
    /** @private @type {Record<"place" | "code" | "chosen", number>} */
    this.places = /** @type {any} */ ({});
    /** @private @type {Record<string, WebGLUniformLocation | null>} */
    this.uniforms = {};
    /** @private */ this.frame = 0;
    /** @private */ this.last = 0;
    /** @private @type {ReturnType<typeof setTimeout> | undefined} */ this.rest = undefined;
    this.gl = /** @type {WebGL2RenderingContext} */ (
      canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true }));
    /** @private */ this.lost = (/** @type {Event} */ event) => event.preventDefault();
    /** @private */ this.found = () => { this.prepare(); this.draw(); };
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.found);
    this.prepare();
  }

  /** Whether this browser can. */
  static possible() {
    try {
      return document.createElement("canvas").getContext("webgl2") !== null;
    } catch {
      return false;
    }
  }

  /** @private */
  prepare() {
    const { gl } = this;
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    for (const [kind, source] of /** @type {const} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`The map cannot be drawn: ${gl.getProgramInfoLog(program)}`);
    }
    gl.useProgram(program);
    const buffer = () => /** @type {WebGLBuffer} */ (gl.createBuffer());
    this.buffers = { place: buffer(), code: buffer(), chosen: buffer() };
    this.places = {
      place: gl.getAttribLocation(program, "place"),
      code: gl.getAttribLocation(program, "code"),
      chosen: gl.getAttribLocation(program, "chosen"),
    };
    const uniform = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
    this.uniforms = {
      view: uniform("view"), aspect: uniform("aspect"), size: uniform("size"), only: uniform("only"),
      colours: uniform("colours"),
    };
    for (const place of Object.values(this.places)) gl.enableVertexAttribArray(place);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.clearColor(0, 0, 0, 0);
    this.upload("place", this.points);
    this.upload("code", this.codes);
    this.upload("chosen", this.chosen);
  }

  /**
   * @private
   * @param {"place" | "code" | "chosen"} name
   * @param {Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>} values
   */
  upload(name, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, name === "place" ? gl.STATIC_DRAW : gl.DYNAMIC_DRAW);
  }

  /** @param {Uint8Array<ArrayBuffer>} codes @param {Float32Array<ArrayBuffer>} colours 32 times r, g, b; 0 to 1. */
  paint(codes, colours) {
    if (codes !== this.codes) this.upload("code", codes);
    this.codes = codes;
    this.colours = colours;
    this.draw();
  }

  /** @param {Uint8Array<ArrayBuffer>} chosen 1 for each point that is selected. */
  choose(chosen) {
    this.chosen = chosen;
    this.upload("chosen", chosen);
    this.draw();
  }

  /** @param {number} code Shown alone; -1 for all. */
  isolate(code) {
    this.only = code;
    this.draw();
  }

  /** @param {View} view @param {boolean} [moving] More changes will follow at once. */
  look(view, moving = false) {
    this.view = view;
    clearTimeout(this.rest);
    if (moving) {
      const now = performance.now();
      const wait = now - this.last;
      if (wait > SLOW && wait < PAUSE && this.count / this.skip > FEWEST_IN_MOTION) {
        const next = this.skip === 1 ? Math.ceil(this.count / ENOUGH_IN_MOTION) : this.skip * 2;
        this.skip = Math.min(MOST_SKIPPED, next);
      }
      this.last = now;
      // Not while it still moves: where a frame takes long, the next change comes late.
      this.rest = setTimeout(() => this.draw(), wait < PAUSE ? Math.max(200, 2 * wait) : 500);
    }
    this.draw(moving);
  }

  /** Draw at the next frame. @param {boolean} [moving] */
  draw(moving = false) {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.now(moving ? this.skip : 1));
  }

  /** @private @param {number} skip Every how many points one is drawn. */
  now(skip) {
    const { gl, canvas, view, uniforms, places, buffers } = this;
    const ratio = Math.min(devicePixelRatio, 2);
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (!width || !height || gl.isContextLost()) return;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniform3f(uniforms.view ?? null, view.x, view.y, view.half);
    gl.uniform2f(uniforms.aspect ?? null, height / width, 1);
    gl.uniform1f(uniforms.size ?? null, this.size() * ratio);
    gl.uniform1f(uniforms.only ?? null, this.only);
    gl.uniform3fv(uniforms.colours ?? null, this.colours);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.place);
    gl.vertexAttribPointer(places.place, 2, gl.FLOAT, false, 8 * skip, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.code);
    gl.vertexAttribPointer(places.code, 1, gl.UNSIGNED_BYTE, false, skip, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.chosen);
    gl.vertexAttribPointer(places.chosen, 1, gl.UNSIGNED_BYTE, false, skip, 0);
    gl.drawArrays(gl.POINTS, 0, Math.floor(this.count / skip) || this.count);
    this.drawn();
  }

  /** Pixels (CSS) across a point: more where there are few, and closer by. */
  size() {
    const few = Math.max(1.3, Math.min(6, 420 / Math.sqrt(this.count)));
    return Math.min(14, few * Math.max(1, 1 / this.view.half) ** 0.45);
  }

  /** Where a pixel of the canvas is on the map. @param {number} x @param {number} y @returns {[number, number]} */
  at(x, y) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = (2 * this.view.half) / height;
    return [this.view.x + (x - width / 2) * scale, this.view.y - (y - height / 2) * scale];
  }

  /** Where a place of the map is on the canvas. @param {number} x @param {number} y @returns {[number, number]} */
  pixel(x, y) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = height / (2 * this.view.half);
    return [width / 2 + (x - this.view.x) * scale, height / 2 - (y - this.view.y) * scale];
  }

  close() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.found);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
