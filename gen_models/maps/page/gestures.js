// What pointers and keys do on the map: drag, pinch, wheel, hover, tap.

const TAP_PX = 6; // a pointer that has moved less has not dragged
const STEP_PX = 60; // of an arrow key
const ZOOMS = { "+": 1.4, "=": 1.4, "-": 1 / 1.4 };
const PINCH = 10; // times as far as a wheel: a trackpad's pinch comes as ctrl and a small turn
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Call `pan(dx, dy)`, `zoom(factor, left, top)`, `point([left, top], reach)` or `leave()`. */
export function gestures(canvas, { pan, zoom, point, leave }) {
  const down = new Map(); // pointers by their id: where they are
  let moved = 0;

  const place = (event) => [event.offsetX, event.offsetY];
  const middle = (all) => [0, 1].map((axis) => all.reduce((sum, at) => sum + at[axis], 0) / all.length);
  const spread = (all) => (all.length < 2 ? 1 : Math.hypot(all[0][0] - all[1][0], all[0][1] - all[1][1]));

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    if (down.size === 0) moved = 0;
    down.set(event.pointerId, place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) {
      point(place(event), 10);
      return;
    }
    const before = [...down.values()];
    down.set(event.pointerId, place(event));
    const after = [...down.values()];
    const [from, to] = [middle(before), middle(after)];
    moved += Math.hypot(to[0] - from[0], to[1] - from[1]);
    pan(to[0] - from[0], to[1] - from[1]);
    if (after.length === 2) zoom(spread(after) / Math.max(spread(before), 1), ...to);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      const last = down.size === 1;
      if (!down.delete(event.pointerId)) return;
      if (name === "pointerup" && last && moved < TAP_PX) point(place(event), event.pointerType === "touch" ? 24 : 10);
    });
  }
  canvas.addEventListener("lostpointercapture", (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const far = event.deltaY * (event.deltaMode ? 30 : 1) * (event.ctrlKey ? PINCH : 1);
    zoom(Math.exp(-0.0015 * far), ...place(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const centre = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    if (ZOOMS[event.key]) zoom(ZOOMS[event.key], ...centre);
    else if (MOVES[event.key]) pan(...MOVES[event.key].map((part) => STEP_PX * part));
    else return;
    event.preventDefault();
    point(centre, 40);
  });
}
