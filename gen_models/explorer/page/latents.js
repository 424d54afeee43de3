// Latents between others, and what is added to them.

/** The latent at a share of the way from a to b, on the great circle (White 2016, §2.1). */
export function between(a, b, share) {
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(Math.max(dot(a, b) / norms, -1), 1));
  if (Math.sin(angle) < 1e-6) return combined([a, 1 - share], [b, share]);
  const sine = Math.sin(angle);
  return combined([a, Math.sin((1 - share) * angle) / sine], [b, Math.sin(share * angle) / sine]);
}

/** The point of the plane through three latents: a + u (b - a) + v (c - a). */
export const onPlane = (a, b, c, u, v) => combined([a, 1 - u - v], [b, u], [c, v]);

/** A sum of vectors, each with its factor. */
export function combined(...terms) {
  const sum = new Float32Array(terms[0][0].length);
  for (let i = 0; i < sum.length; i++) {
    let value = 0;
    for (const [vector, factor] of terms) value += factor * vector[i];
    sum[i] = value;
  }
  return sum;
}

/** A latent whose parts have these values: a number, the number of a category, or null for the
 * latent's own. */
export function withParts(z, parts, values) {
  const changed = z.slice();
  parts.forEach(({ start, size }, i) => {
    if (values[i] === null) return;
    if (size === 1) changed[start] = values[i];
    else for (let k = 0; k < size; k++) changed[start + k] = k === values[i] ? 1 : 0;
  });
  return changed;
}

/** Shares of the classes: those of labels with their weights, then on the way to another label. */
export function mixed(count, labels, other, share) {
  const mix = new Float32Array(count);
  const whole = labels.reduce((sum, [, weight]) => sum + Math.max(weight, 0), 0);
  for (const [label, weight] of labels) mix[label] += Math.max(weight, 0) / whole;
  if (other === null) return mix;
  const moved = mix.map((part) => part * (1 - share));
  moved[other] += share;
  return moved;
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
