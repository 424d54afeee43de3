// Operations on each element by itself. Each result is rounded to float32 when it is stored.

import { repeated } from "./arrays.js";

const SQRT_PI = Math.sqrt(Math.PI);

/** erf by its series about 0 (Abramowitz & Stegun 1964, 7.1.5), for |x| below 3. */
function erfSeries(x) {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
    if (n > 200) break;
  }
  return (2 / SQRT_PI) * sum;
}

/** erfc by its continued fraction (Abramowitz & Stegun 1964, 7.1.14), for x of 3 and more. */
function erfcFraction(x) {
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / SQRT_PI / (x + fraction);
}

export function erfc(x) {
  if (x >= 3) return erfcFraction(x);
  if (x <= -3) return 2 - erfcFraction(-x);
  return 1 - erfSeries(x);
}

export const erf = (x) => (Math.abs(x) < 3 ? erfSeries(x) : Math.sign(x) * (1 - erfc(Math.abs(x))));

/** The inverse of erf, by Newton's method from Winitzki's approximation (2008). */
export function erfInverse(y) {
  if (Math.abs(y) >= 1) return y === 1 ? Infinity : y === -1 ? -Infinity : NaN;
  const l = Math.log1p(-y * y);
  const a = 0.147;
  const b = 2 / (Math.PI * a) + l / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(b * b - l / a) - b);
  for (let i = 0; i < 4; i++) {
    const far = Math.abs(x) > 1; // there erf(x) - y would be a difference of numbers close to 1
    const excess = far ? Math.sign(x) * (1 - Math.abs(y) - erfc(Math.abs(x))) : erf(x) - y;
    x -= (excess * SQRT_PI * Math.exp(x * x)) / 2;
  }
  return x;
}

/** The nearest whole number, halves to the even one. */
function roundToEven(x) {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

const UNARY = {
  abs: Math.abs,
  ceil: Math.ceil,
  cos: Math.cos,
  erf,
  erf_inv: erfInverse,
  erfc,
  exp: Math.exp,
  expm1: Math.expm1,
  floor: Math.floor,
  log: Math.log,
  log1p: Math.log1p,
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  neg: (x) => -x,
  round: roundToEven,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sign: Math.sign,
  sin: Math.sin,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  tanh: Math.tanh,
};
const BINARY = {
  add: (x, y) => x + y,
  and: (x, y) => x & y,
  div: (x, y) => x / y,
  eq: (x, y) => x === y,
  ge: (x, y) => x >= y,
  gt: (x, y) => x > y,
  le: (x, y) => x <= y,
  lt: (x, y) => x < y,
  max: Math.max,
  min: Math.min,
  mul: (x, y) => x * y,
  ne: (x, y) => x !== y,
  or: (x, y) => x | y,
  pow: Math.pow,
  rem: (x, y) => x % y,
  shift_left: (x, y) => (y > 31 ? 0 : x << y),
  shift_right_logical: (x, y) => (y > 31 ? 0 : x >>> y),
  sub: (x, y) => x - y,
  xor: (x, y) => x ^ y,
};

const unary =
  (f) =>
  () =>
  ([x], y) => {
    for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
  };

const binary = (f) => (_, inputs, output) => {
  const [a, b] = inputs.map((input) => repeated(output.shape, input.shape));
  if (a) return ([x, y], z) => z.forEach((_, i) => (z[i] = f(x[a[i]], y[b ? b[i] : i])));
  if (b) {
    return ([x, y], z) => {
      for (let i = 0; i < z.length; i++) z[i] = f(x[i], y[b[i]]);
    };
  }
  return ([x, y], z) => {
    for (let i = 0; i < z.length; i++) z[i] = f(x[i], y[i]);
  };
};

/** Products of whole numbers wrap at 32 bits, where those of JavaScript would be rounded. */
function multiply(parameters, inputs, output) {
  return binary(output.dtype === "f32" ? BINARY.mul : Math.imul)(parameters, inputs, output);
}

function divide(parameters, inputs, output) {
  const whole = (x, y) => Math.trunc(x / y);
  return binary(output.dtype === "f32" ? BINARY.div : whole)(parameters, inputs, output);
}

function not(_, inputs, output) {
  const f = output.dtype === "bool" ? (x) => 1 - x : (x) => ~x;
  return unary(f)(_, inputs, output);
}

/** Elements of the first input where the condition is 0, of the second where it is 1. */
function select(_, inputs, output) {
  const [c, x, y] = inputs.map((input) => repeated(output.shape, input.shape));
  return ([condition, no, yes], z) => {
    for (let i = 0; i < z.length; i++) {
      z[i] = condition[c ? c[i] : i] ? yes[y ? y[i] : i] : no[x ? x[i] : i];
    }
  };
}

function convert(_, [input], output) {
  if (output.dtype === "bool") return unary((x) => (x ? 1 : 0))();
  return unary(input.dtype === "f32" && output.dtype !== "f32" ? Math.trunc : (x) => x)();
}

/** The same bits as numbers of another type. */
function bitcast() {
  return ([x], y) => y.set(new y.constructor(x.buffer, x.byteOffset, y.length));
}

function power({ y: exponent }) {
  return unary((x) => x ** exponent)();
}

export const elementwise = {
  ...Object.fromEntries(Object.entries(UNARY).map(([name, f]) => [name, unary(f)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([name, f]) => [name, binary(f)])),
  bitcast_convert_type: bitcast,
  convert_element_type: convert,
  div: divide,
  integer_pow: power,
  mul: multiply,
  not,
  select_n: select,
};
