// Which of many points lie near a place or inside an outline, by a grid of squares.
// @ts-check

/** Points a square of the grid, about. */
const IN_A_SQUARE = 4;

export class Plane {
  /** @param {Float32Array} points x, y by turns, in [-1, 1]. */
  constructor(points) {
    this.points = points;
    const count = points.length / 2;
    this.side = Math.max(1, Math.min(1024, Math.floor(Math.sqrt(count / IN_A_SQUARE))));
    const squares = new Uint32Array(count);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < count; i++) {
      const square = this.row(points[2 * i + 1] ?? 0) * this.side + this.row(points[2 * i] ?? 0);
      squares[i] = square;
      this.starts[square + 1] = (this.starts[square + 1] ?? 0) + 1;
    }
    for (let i = 0; i < this.side * this.side; i++) {
      this.starts[i + 1] = (this.starts[i + 1] ?? 0) + (this.starts[i] ?? 0);
    }
    const next = this.starts.slice();
    this.order = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const square = squares[i] ?? 0;
      const place = next[square] ?? 0;
      this.order[place] = i;
      next[square] = place + 1;
    }
  }

  /** @private @param {number} value */
  row(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((value + 1) / 2) * this.side)));
  }

  /**
   * The points in the squares that a rectangle touches.
   * @private @param {number} left @param {number} bottom @param {number} right @param {number} top
   */
  *around(left, bottom, right, top) {
    const [first, last] = [this.row(left), this.row(right)];
    for (let y = this.row(bottom); y <= this.row(top); y++) {
      const [from, to] = [this.starts[y * this.side + first] ?? 0, this.starts[y * this.side + last + 1] ?? 0];
      for (let at = from; at < to; at++) yield this.order[at] ?? 0;
    }
  }

  /**
   * The point nearest to a place; -1 if none is within reach.
   * @param {number} x @param {number} y @param {number} reach @param {(row: number) => boolean} wanted
   */
  nearest(x, y, reach, wanted) {
    let best = -1;
    let closest = reach * reach;
    for (const i of this.around(x - reach, y - reach, x + reach, y + reach)) {
      const [dx, dy] = [(this.points[2 * i] ?? 0) - x, (this.points[2 * i + 1] ?? 0) - y];
      const distance = dx * dx + dy * dy;
      if (distance <= closest && wanted(i)) [best, closest] = [i, distance];
    }
    return best;
  }

  /**
   * The points inside an outline, in the order of their rows.
   * @param {[number, number][]} outline @param {(row: number) => boolean} wanted
   */
  inside(outline, wanted) {
    const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
    const found = [];
    for (const i of this.around(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys))) {
      if (wanted(i) && within(this.points[2 * i] ?? 0, this.points[2 * i + 1] ?? 0, outline)) found.push(i);
    }
    return found.sort((a, b) => a - b);
  }
}

/** Whether a ray from the place crosses the outline an odd number of times.
 * @param {number} x @param {number} y @param {[number, number][]} outline */
function within(x, y, outline) {
  let inside = false;
  let [px, py] = outline[outline.length - 1] ?? [0, 0];
  for (const [qx, qy] of outline) {
    if (py > y !== qy > y && x < ((px - qx) * (y - qy)) / (py - qy) + qx) inside = !inside;
    [px, py] = [qx, qy];
  }
  return inside;
}
