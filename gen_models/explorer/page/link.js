// What is shown, as the part of the page's address after #, so that a link shows it again.

export const VIEWS = ["sample", "between", "plane", "image"];
const LARGEST_SEED = 2 ** 31 - 1;

/** Kinds of values, each with its text and back; `read` throws for a text that does not fit. */
const whole = (from, to) => ({
  write: String,
  read(text) {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to) throw new RangeError(text);
    return value;
  },
});
const real = (from, to) => ({
  write: (value) => String(Math.round(value * 1000) / 1000),
  read(text) {
    const value = Number(text);
    if (!/^-?\d+(\.\d+)?$/.test(text) || value < from || value > to) throw new RangeError(text);
    return value;
  },
});
const optional = (kind) => ({
  write: (value) => (value === null ? "" : kind.write(value)),
  read: (text) => (text === "" ? null : kind.read(text)),
});
const choice = (values) => ({
  write: String,
  read(text) {
    if (!values.includes(text)) throw new RangeError(text);
    return text;
  },
});
/** The place of a whole number in a list, which is written as that number. */
const place = (numbers) => ({
  write: (index) => String(numbers[index]),
  read(text) {
    const index = numbers.findIndex((number) => String(number) === text);
    if (index < 0) throw new RangeError(text);
    return index;
  },
});
const list = (kinds) => ({
  write: (values) => values.map((value, i) => kinds[i].write(value)).join("_"),
  read(text) {
    const parts = text.split("_");
    if (parts.length !== kinds.length) throw new RangeError(text);
    return parts.map((part, i) => kinds[i].read(part));
  },
});
const inkOf = (count) => ({
  write: (ink) => (ink ? ink.reduce((text, level) => text + (level >> 4).toString(16), "") : ""),
  read(text) {
    if (text === "") return null;
    if (!/^[0-9a-f]+$/.test(text) || text.length !== count) throw new RangeError(text);
    return Uint8Array.from(text, (digit) => parseInt(digit, 16) * 17);
  },
});

/** The kind and the first value of everything that is shown, by name. */
function fields({ runs, tests }) {
  const [{ classes, order, size }] = runs;
  const sample = whole(0, order.length - 1);
  const label = optional(whole(0, classes.length - 1));
  const count = tests ? tests.labels.length : 0;
  const found = {
    view: [choice(runs.some((run) => run.encodes) ? VIEWS : VIEWS.slice(0, -1)), "sample"],
    seed: [whole(0, LARGEST_SEED), 1],
    a: [sample, 0],
    b: [sample, 1],
    c: [sample, 2],
    t: [real(0, 1), 0.5],
    u: [real(0, 1), 0.33],
    v: [real(0, 1), 0.33],
    label: [label, null],
    other: [label, null],
    share: [real(0, 1), 0.5],
    test: [optional(whole(0, count - 1)), count ? 0 : null],
    ink: [inkOf(size[0] * size[1]), null],
  };
  runs.forEach((run, i) => {
    found[`step${i}`] = [place(run.checkpoints.map(({ step }) => step)), run.checkpoints.length - 1];
    const { directions, parts } = run;
    if (directions.length) {
      found[`move${i}`] = [list(directions.map(() => real(-1, 1))), directions.map(() => 0)];
    }
    if (parts.length) {
      const kinds = parts.map(({ size: n, reach }) =>
        optional(n === 1 ? real(-reach, reach) : whole(0, n - 1)),
      );
      found[`part${i}`] = [list(kinds), parts.map(() => null)];
    }
    const count = codes(run);
    if (count) {
      const kinds = Array.from({ length: count }, () => real(-REACH, REACH));
      found[`code${i}`] = [list(kinds), kinds.map(() => 0)];
    }
  });
  return found;
}

export const REACH = 3; // of a change of one number of a VAE's latent
const SHOWN = 32; // numbers of a latent that have sliders of their own

/** Number of a run's latent numbers that have sliders: those of an auto-encoder without discrete
 * codes, if they are few. */
export function codes({ encodes, latent, programs }) {
  const few = latent.length === 1 && latent[0] <= SHOWN;
  return encodes && !programs.codes && few ? latent[0] : 0;
}

/** What is shown at first. */
export function start(page) {
  return Object.fromEntries(Object.entries(fields(page)).map(([name, [, value]]) => [name, value]));
}

/** The text of what is shown: whatever differs from the start. */
export function write(page, shown) {
  const parts = [];
  for (const [name, [kind, value]] of Object.entries(fields(page))) {
    const text = kind.write(shown[name]);
    if (text !== kind.write(value)) parts.push(`${name}=${text}`);
  }
  return parts.join("&");
}

/** What a text shows. Throws a RangeError if it does not fit this page. */
export function read(page, text) {
  const shown = start(page);
  const known = fields(page);
  const seen = new Set();
  for (const part of text.split("&").filter(Boolean)) {
    const [name, value, ...more] = part.split("=");
    const fits = Object.hasOwn(known, name) && value !== undefined && !more.length;
    if (!fits || seen.has(name)) throw new RangeError(part);
    seen.add(name);
    try {
      shown[name] = known[name][0].read(value);
    } catch {
      throw new RangeError(part);
    }
  }
  return shown;
}
