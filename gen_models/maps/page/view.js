// Which part of the map is on the screen.

const MARGIN = 0.04; // around the whole map, share of the screen's shorter side
const LARGEST_ZOOM = 400;

export class View {
  constructor() {
    this.zoom = 1;
    this.x = 0.5; // of the map, in the middle of the screen
    this.y = 0.5;
    this.width = 1;
    this.height = 1;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  /** Pixels of the map's side. */
  get side() {
    return Math.min(this.width, this.height) * (1 - 2 * MARGIN) * this.zoom;
  }

  left(x) {
    return (x - this.x) * this.side + this.width / 2;
  }

  top(y) {
    return (y - this.y) * this.side + this.height / 2;
  }

  pan(dx, dy) {
    this.x -= dx / this.side;
    this.y -= dy / this.side;
    this.bound();
  }

  /** Zoom by a factor; what is at a place on the screen stays there. */
  zoomAt(factor, left, top) {
    const before = this.side;
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), LARGEST_ZOOM);
    const change = 1 / before - 1 / this.side;
    this.x += (left - this.width / 2) * change;
    this.y += (top - this.height / 2) * change;
    this.bound();
  }

  /** Show a circle around a place of the map. */
  show(x, y, radius) {
    Object.assign(this, { x, y, zoom: Math.min(Math.max(0.3 / Math.max(radius, 1e-4), 1), LARGEST_ZOOM) });
  }

  reset() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
  }

  /** Keep the middle of the screen within the map. */
  bound() {
    this.x = Math.min(Math.max(this.x, 0), 1);
    this.y = Math.min(Math.max(this.y, 0), 1);
  }
}
