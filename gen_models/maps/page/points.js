// The points of the map as typed arrays, from the texts in which the page holds them.

const LARGEST = 65535; // of a coordinate, which is a 16-bit number

/** The sets of points: x and y in [0,1], classes, numbers of the images, whether each is shown. */
export function unpack({ sets }) {
  return sets.map(({ name, places, labels, numbers, sheets }) => {
    const raw = Uint8Array.from(atob(places), (letter) => letter.charCodeAt(0));
    const values = new DataView(raw.buffer);
    const count = labels.length;
    const x = new Float32Array(count);
    const y = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      x[i] = values.getUint16(4 * i, true) / LARGEST;
      y[i] = 1 - values.getUint16(4 * i + 2, true) / LARGEST; // a screen's y grows downwards
    }
    return { name, x, y, labels: Int32Array.from(labels), numbers, sheets, count };
  });
}

/** The nearest point that is on within a reach in pixels of a place on the screen, or null. */
export function nearest(sets, on, view, [left, top], reach) {
  let best = null;
  let least = reach * reach;
  sets.forEach((set, s) => {
    if (!on.sets[s]) return;
    for (let i = 0; i < set.count; i++) {
      if (!on.classes[set.labels[i] + 1]) continue;
      const dx = view.left(set.x[i]) - left;
      const dy = view.top(set.y[i]) - top;
      const squared = dx * dx + dy * dy;
      if (squared <= least) {
        least = squared;
        best = { set: s, point: i };
      }
    }
  });
  return best;
}
