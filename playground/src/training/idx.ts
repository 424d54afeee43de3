/** IDX files, the format of MNIST and of its replacements. */

import { Mistake } from "./layers";

const BYTES = 0x08; // type of the elements

/** The array of an IDX file of bytes with `dimensions` dimensions. Throws Mistake. */
export function parse(file: Uint8Array, dimensions: number): { shape: number[]; data: Uint8Array } {
  if (file[0] === 0x1f && file[1] === 0x8b) throw new Mistake("it is still compressed: unpack it first");
  if (file.length < 4 || file[0] !== 0 || file[1] !== 0) throw new Mistake("it is no IDX file");
  if (file[2] !== BYTES) throw new Mistake("its elements are no bytes");
  if (file[3] !== dimensions) {
    throw new Mistake(`it has ${file[3]} dimensions, expected ${dimensions}`);
  }
  const start = 4 + 4 * dimensions;
  if (file.length < start) throw new Mistake("it ends before its sizes");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  if (file.length - start !== size) {
    throw new Mistake(`it has ${file.length - start} bytes of data, expected ${size}`);
  }
  return { shape, data: file.subarray(start) };
}

/** Unpack a file if it is compressed by gzip. Throws Mistake. */
export async function unpacked(file: Uint8Array): Promise<Uint8Array> {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file;
  try {
    const stream = new Blob([file as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Mistake("it is compressed, and damaged");
  }
}
