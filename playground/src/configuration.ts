/** Everything that decides a training, as it is kept in a link. */

import { Mistake, type Shape } from "./training/layers";
import { LOSSES, PENALTIES } from "./training/losses";
import { check, type Checked } from "./training/net";
import { OPTIMISERS, type Player } from "./training/optimisers";
import { POINTS, type Point } from "./training/points";

export type Configuration = {
  data: string; // one of POINTS or IMAGES
  drawn: Point[]; // of data "drawn"
  labels: boolean; // whether both players are given the class
  latent: number; // size of z, which is normal
  generator: string[]; // layers, as written
  discriminator: string[];
  loss: string;
  penalty: string;
  weight: number; // of the penalty
  players: { generator: Player; discriminator: Player };
  discriminatorSteps: number; // for each step of the generator
  generatorSteps: number;
  average: number; // decay of the generator's averaged weights, which are drawn from
  batch: number;
  seed: number;
};

/** Sets of images by name. */
export const IMAGES: Record<string, string> = {
  fashion_mnist: "Fashion-MNIST",
  mnist: "MNIST",
  own: "your own IDX files",
};

export const SIDE = 28; // pixels of an image's side
export const MOST_DRAWN = 2000; // points by hand
const MOST_LINK = 64_000; // characters

const adam = (rate: number, beta1 = 0.5): Player =>
  ({ optimiser: "adam", rate, beta1, beta2: 0.999 });

const POINTS_DEFAULT: Configuration = {
  data: "ring",
  drawn: [],
  labels: false,
  latent: 2,
  generator: ["dense 64", "relu", "dense 64", "relu", "dense 2"],
  discriminator: ["dense 64", "leaky_relu 0.2", "dense 64", "leaky_relu 0.2", "dense 1"],
  loss: "non_saturating",
  penalty: "r1",
  weight: 0.1,
  players: { generator: adam(1e-3), discriminator: adam(1e-3) },
  discriminatorSteps: 1,
  generatorSteps: 1,
  average: 0.99,
  batch: 128,
  seed: 0,
};

const IMAGES_DEFAULT: Configuration = {
  ...POINTS_DEFAULT,
  data: "fashion_mnist",
  latent: 32,
  labels: true,
  generator: [
    "dense 128", "batch_norm", "relu", "dense 1568", "batch_norm", "relu", "map 14", "double 1", "tanh",
  ],
  discriminator: [
    "halve 8", "leaky_relu 0.2", "flatten", "dense 128", "leaky_relu 0.2", "dense 1",
  ],
  penalty: "none",
  weight: 1,
  players: { generator: adam(1e-3), discriminator: adam(4e-4) },
  average: 0.995,
  batch: 64,
};

/** Whether data of this name are images. */
export function isImages(data: string): boolean {
  return Object.hasOwn(IMAGES, data);
}

/** The configuration that a set of data starts with. */
export function usual(data: string): Configuration {
  return structuredClone({ ...(isImages(data) ? IMAGES_DEFAULT : POINTS_DEFAULT), data });
}

/** The configuration with other data, without points drawn by hand: the same but for them if the nets
 * fit, otherwise what these data start with. */
export function withData(configuration: Configuration, data: string): Configuration {
  if (isImages(data) !== isImages(configuration.data)) return usual(data);
  return { ...configuration, data, drawn: [] };
}

/** The shape of one example. */
export function shape(data: string): Shape {
  return isImages(data) ? [SIDE, SIDE, 1] : [2];
}

/** Both nets' shapes and first mistakes; `classes` is how many labels the data have. */
export function checkNets(
  configuration: Configuration,
  classes: number,
): { generator: Checked; discriminator: Checked } {
  const { data, latent, labels, generator, discriminator } = configuration;
  const found = {
    generator: check(generator, [latent + (labels ? classes : 0)], shape(data)),
    discriminator: check(discriminator, shape(data), [1]),
  };
  const spread = generator.indexOf("deviation");
  if (!found.generator.mistake && spread >= 0) {
    const mistake = "it looks at a whole batch: a layer for the discriminator alone";
    found.generator = { ...found.generator, at: spread, mistake };
  }
  const last = discriminator.at(-1) ?? "";
  if (!found.discriminator.mistake && !last.startsWith("dense")) {
    const at = discriminator.length - 1;
    found.discriminator = { ...found.discriminator, at, mistake: "it must end in “dense 1”, its score" };
  }
  return found;
}

/** What starts a training anew when it is changed, in words; the rest takes effect at once. */
const ANEW: [keyof Configuration, string][] = [
  ["data", "the data"],
  ["drawn", "the points"],
  ["labels", "labels"],
  ["latent", "the latent's size"],
  ["generator", "the generator"],
  ["discriminator", "the discriminator"],
  ["seed", "the seed"],
];

/** Names of what differs between two configurations and starts a training anew. */
export function anew(before: Configuration, after: Configuration): string[] {
  const differs = ANEW.filter(([key]) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return differs.map(([, words]) => words);
}

/** The part of a page's address that holds a configuration. */
export function toLink(configuration: Configuration): string {
  const text = JSON.stringify(configuration);
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The inverse of `toLink`. Throws Mistake for what no page wrote. */
export function fromLink(link: string): Configuration {
  let found: unknown;
  try {
    if (link.length > MOST_LINK) throw new SyntaxError();
    const bytes = atob(link.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (x) => x.charCodeAt(0)));
    found = JSON.parse(text);
  } catch {
    throw new Mistake("the link is damaged: it holds no configuration");
  }
  return checked(found);
}

type Rule = (x: unknown) => boolean;
const number = (least: number, most: number, whole = false): Rule =>
  (x) => typeof x === "number" && x >= least && x <= most && (!whole || Number.isInteger(x));
const among = (table: object): Rule => (x) => typeof x === "string" && Object.hasOwn(table, x);
const lines: Rule = (x) =>
  Array.isArray(x) && x.length <= 64 && x.every((y) => typeof y === "string" && y.length < 64);

const PLAYER: Record<keyof Player, Rule> = {
  optimiser: among(OPTIMISERS),
  rate: number(0, 10),
  beta1: number(0, 0.9999),
  beta2: number(0, 0.99999),
};

const player: Rule = (x) => typeof x === "object" && x !== null && broken(x, PLAYER) === null;

export const LIMITS = {
  latent: [1, 512],
  weight: [0, 1e4],
  steps: [1, 20],
  average: [0, 0.9999],
  batch: [2, 512],
  seed: [0, 2 ** 31 - 1],
} as const;

const RULES: Record<keyof Configuration, Rule> = {
  data: among({ ...POINTS, ...IMAGES }),
  drawn: (x) => Array.isArray(x) && x.length <= MOST_DRAWN && x.every(isPoint),
  labels: (x) => typeof x === "boolean",
  latent: number(...LIMITS.latent, true),
  generator: lines,
  discriminator: lines,
  loss: among(LOSSES),
  penalty: among(PENALTIES),
  weight: number(...LIMITS.weight),
  players: (x) => {
    const both = x as Configuration["players"] | null;
    return typeof both === "object" && player(both?.generator) && player(both?.discriminator);
  },
  discriminatorSteps: number(...LIMITS.steps, true),
  generatorSteps: number(...LIMITS.steps, true),
  average: number(...LIMITS.average),
  batch: number(...LIMITS.batch, true),
  seed: number(...LIMITS.seed, true),
};

const isPoint: Rule = (x) => Array.isArray(x) && x.length === 2 && x.every(number(-2, 2));

/** The name of the first field that does not follow its rule, or null. */
function broken(x: object, rules: Record<string, Rule>): string | null {
  const values = x as Record<string, unknown>;
  return Object.keys(rules).find((name) => !rules[name]!(values[name])) ?? null;
}

/** A configuration of unknown origin, with only its known fields. Throws Mistake. */
export function checked(found: unknown): Configuration {
  if (typeof found !== "object" || found === null) throw new Mistake("it is no configuration");
  const name = broken(found, RULES);
  if (name) throw new Mistake(`the configuration's “${name}” has a value that this page does not know`);
  const values = found as Record<string, unknown>;
  return structuredClone(
    Object.fromEntries(Object.keys(RULES).map((name) => [name, values[name]])),
  ) as Configuration;
}
