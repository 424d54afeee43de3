// Colours, which are texts such as #0072b2.

/** The colours of a set's classes, the first of which is the unknown one: those of the classes, or
 * that of the set for all of them, grey for the real images, which are the first set. */
export function coloursOf({ real, classes, models }, meaning, set) {
  if (meaning === "class") return [real, ...classes];
  const own = set === 0 ? real : models[set - 1];
  return [own, ...classes.map(() => own)];
}

/** A colour as a number whose bytes are those of a pixel, on little-endian machines. */
export function pixel(colour) {
  const [r, g, b] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
