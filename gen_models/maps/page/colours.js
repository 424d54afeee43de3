// Colours of sets and classes.

// Okabe & Ito's colours, which people who do not tell red from green tell apart, and three more.
const CLASSES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f7ee0", "#b5a800", "#8c564b", "#17becf"];
const REAL = "#9a9aa2";

/** The colour of a class; of more than ten, of hues that lie apart. */
export function ofClass(label, count) {
  if (label < 0) return REAL;
  if (count <= CLASSES.length) return CLASSES[label];
  return hex((label * 137.508) % 360, 45 + 18 * (label % 3));
}

/** The colour of a set: grey for the real images, which are the first. */
export function ofSet(index) {
  return index === 0 ? REAL : CLASSES[(2 * index + 3) % CLASSES.length];
}

/** A colour as a number whose bytes are those of a pixel, on little-endian machines. */
export function pixel(colour) {
  const [r, g, b] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function hex(hue, lightness) {
  const amplitude = 0.65 * Math.min(lightness, 100 - lightness);
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    const value = lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(2.55 * value).toString(16).padStart(2, "0");
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}
