/** Files of named arrays in the safetensors format, which Python's libraries read too. */

import { Mistake } from "./layers";

export type Tensor = { dtype: "F32" | "F16" | "U8"; shape: number[]; data: Float32Array | Uint8Array };
export type Tensors = { metadata: Record<string, string>; tensors: Record<string, Tensor> };

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** The arrays of a file; those of half precision come as float32. Throws Mistake. */
export function read(bytes: Uint8Array): Tensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (!(8 + length <= bytes.byteLength)) throw new Mistake("it is no safetensors file");
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, never>;
  const tensors: Record<string, Tensor> = {};
  for (const [name, entry] of Object.entries(entries as Record<string, Entry>)) {
    const [from, to] = entry.data_offsets;
    const raw = new Uint8Array(bytes.subarray(8 + length + from, 8 + length + to)); // a copy, aligned
    tensors[name] = { shape: entry.shape, ...values(entry.dtype, raw) };
  }
  return { metadata, tensors };
}

function values(dtype: string, raw: Uint8Array): Pick<Tensor, "dtype" | "data"> {
  switch (dtype) {
    case "U8":
      return { dtype, data: raw };
    case "F32":
      return { dtype, data: new Float32Array(raw.buffer) };
    case "F16":
      return { dtype, data: Float32Array.from(new Uint16Array(raw.buffer), single) };
    default:
      throw new Mistake(`arrays of ${dtype} are not read here`);
  }
}

/** The value of a number in half precision. */
function single(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** An array that is written. */
export type Written = { shape: number[]; data: Float32Array };

/** A file of float32 arrays. */
export function write(
  arrays: Record<string, Written>,
  metadata: Record<string, string>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, (end += data.byteLength)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // arrays start at a multiple of 8 bytes
  const bytes = new Uint8Array(8 + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(32, 8, 8 + padded).set(text, 8);
  let at = 8 + padded;
  for (const { data } of Object.values(arrays)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
