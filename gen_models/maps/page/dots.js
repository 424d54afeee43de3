// Points as dots, written pixel by pixel: tens of thousands of them in a frame.

/** Draws dots on a canvas: all sets that are on, the real images below the samples. */
export function dots(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true }); // in memory, not on a GPU
  let image = null;
  let pixels = null;

  return function draw(sets, on, view, pixelsOf, ratio) {
    if (image?.width !== canvas.width || image.height !== canvas.height) {
      image = context.createImageData(canvas.width, canvas.height);
      pixels = new Uint32Array(image.data.buffer);
    }
    pixels.fill(0);
    const size = Math.min(1 + Math.log2(view.zoom), 4);
    sets.forEach((set, s) => {
      if (on.sets[s]) stamp(set, on, view, pixelsOf[s], disc((s ? 1.1 : 0.8) * size * ratio), ratio);
    });
    context.putImageData(image, 0, 0);
  };

  function stamp(set, on, view, colours, rows, ratio) {
    const { width, height } = image;
    for (let i = 0; i < set.count; i++) {
      const label = set.labels[i] + 1;
      if (!on.classes[label]) continue;
      const x = Math.round(view.left(set.x[i]) * ratio);
      const y = Math.round(view.top(set.y[i]) * ratio);
      const reach = rows.length >> 1;
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      for (let row = 0; row < rows.length; row++) {
        const start = (y + row - reach) * width + x;
        pixels.fill(colours[label], start - rows[row], start + rows[row] + 1);
      }
    }
  }
}

/** Half the width of each row of a disc. */
function disc(radius) {
  const reach = Math.max(1, Math.round(radius));
  return Array.from({ length: 2 * reach + 1 }, (_, row) =>
    Math.floor(Math.sqrt(Math.max(0, (reach + 0.3) ** 2 - (row - reach) ** 2))),
  );
}
