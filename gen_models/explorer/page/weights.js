// Weights as numbers again; see weights.py.

function bytes(text) {
  const characters = atob(text);
  const found = new Uint8Array(characters.length);
  for (let i = 0; i < found.length; i++) found[i] = characters.charCodeAt(i);
  return found;
}

/** Unsigned bytes of base64 text. */
export const readBytes = bytes;

/** The array f32 that `packed` in weights.py wrote. */
export function readWeights({ numbers, scales }) {
  if (!scales) return new Float32Array(bytes(numbers).buffer);
  const whole = new Int16Array(bytes(numbers).buffer);
  const each = new Float32Array(bytes(scales).buffer);
  const found = new Float32Array(whole.length);
  for (let i = 0; i < found.length; i++) found[i] = whole[i] * each[i % each.length];
  return found;
}
