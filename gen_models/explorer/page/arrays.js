// Arrays: typed arrays with a shape kept beside them, in row-major order.

const KINDS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array };

/** Number of elements of a shape. */
export const size = (shape) => shape.reduce((product, length) => product * length, 1);

/** A new array of zeros. */
export const zeros = (dtype, count) => new KINDS[dtype](count);

/** Steps between neighbours along each axis. */
export function strides(shape) {
  const steps = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= shape[axis];
  }
  return steps;
}

/** Positions in another array of the elements of a shape, in order: position `start` for the first,
 * `steps[axis]` further for each place along an axis. */
export function positions(shape, steps, start = 0) {
  const found = new Int32Array(size(shape));
  const place = new Array(shape.length).fill(0);
  let position = start;
  for (let i = 0; i < found.length; i++) {
    found[i] = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += steps[axis];
      if (++place[axis] < shape[axis]) break;
      position -= steps[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return found;
}

/** Positions in an array of shape `from` for each element of `shape`, where axes of length 1 are
 * repeated; null if the shapes are equal. */
export function repeated(shape, from) {
  if (size(from) === size(shape)) return null;
  if (from.length === 0) return new Int32Array(size(shape));
  const steps = strides(from);
  return positions(shape, shape.map((length, axis) => (from[axis] === 1 ? 0 : steps[axis])));
}
