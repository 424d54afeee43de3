/** One training: its state, its steps, and what is seen of it. It knows no page. */

import { numpy as np, random, tree } from "@jax-js/jax";

import { anew, isImages, type Configuration } from "../configuration";
import { MEASURED } from "./classifier";
import { exported } from "./export";
import { game, numbers, type Data, type Game, type State } from "./game";
import type { Material } from "./material";
import { judge, type Found, type Point } from "./points";

export type Who = "generator" | "discriminator";
/** Losses of the last step of each player; NaN before the first. */
export type Losses = Record<Who, number>;

/** What a page shows of a training on images. Images are bytes [N,28,28]. */
export type ImagesSeen = {
  kind: "images";
  generated: Uint8Array;
  real: Uint8Array;
  labels: { generated: number[]; real: number[] };
  scores: { generated: number[]; real: number[] };
  pushes: Float32Array; // gradient of the score by each generated image, [N,28,28]
};

/** What a page shows of a training on points. */
export type PointsSeen = {
  kind: "points";
  generated: Point[];
  real: Point[];
  pushes: Point[]; // gradient of the score at the first of the generated points
  heat: number[]; // scores on a square grid over [-REACH, REACH]², row by row from the top
  warp: Point[][] | null; // lines of a square grid of latents, as the generator maps them
  found: Found;
};

export type Seen = ImagesSeen | PointsSeen;

export const REACH = 1.2; // half the side of the plane that is shown
export const HEAT = 40; // cells of a side of the heat map
const SHOWN = { images: 30, points: 512 };
const ARROWS = 64;
const WARP = { lines: 13, points: 25, reach: 2 };

export class Session {
  /** Steps of each player so far. */
  private readonly steps: Record<Who, number> = { generator: 0, discriminator: 0 };
  readonly losses: Losses = { generator: NaN, discriminator: NaN };
  private game: Game;
  private state: State;
  private readonly data: Data;
  private readonly latents: Record<"shown" | "measured", np.Array>;

  constructor(public configuration: Configuration, readonly material: Material) {
    const { examples, shape, labels, classes } = material;
    const count = labels.length;
    this.data = {
      examples: np.array(examples as Float32Array<ArrayBuffer>, { shape: [count, ...shape] }),
      labels: np.array(hot(Array.from(labels), classes.length), { shape: [count, classes.length] }),
    };
    this.game = game(configuration, shape, classes.length);
    this.state = this.game.begin(configuration.seed);
    const [shown, measured] = np.unstack(random.split(random.key(configuration.seed ^ 0x5eed), 2), 0);
    const { latent } = configuration;
    this.latents = {
      shown: random.normal(shown!, [this.shown, latent]),
      measured: random.normal(measured!, [MEASURED, latent]),
    };
  }

  /** Take one step of a player. */
  take(who: Who): void {
    const { players, weight, average, penalty } = this.configuration;
    const count = this.steps[who]++;
    // After t steps an average's decay is at most (1 + t) / (10 + t): it forgets the first weights.
    const decay = Math.min(average, (2 + count) / (11 + count));
    const other = { generator: decay, discriminator: penalty === "none" ? 0 : weight }[who];
    const next = numbers(players[who], count, other);
    const [state, loss] = this.game.step[who](this.state, this.data, next);
    this.state = state;
    this.losses[who] = loss.dataSync()[0]!;
  }

  /** Steps of the generator so far. */
  get step(): number {
    return this.steps.generator;
  }

  /** Take the steps of both players that the configuration asks for. */
  round(): void {
    for (let i = 0; i < this.configuration.discriminatorSteps; i++) this.take("discriminator");
    for (let i = 0; i < this.configuration.generatorSteps; i++) this.take("generator");
  }

  /** Whether the losses of the steps so far are numbers. */
  get finite(): boolean {
    const taken = (Object.keys(this.steps) as Who[]).filter((who) => this.steps[who]);
    return taken.every((who) => Number.isFinite(this.losses[who]));
  }

  /** Go on with another configuration, which may differ in what needs no new start. */
  change(configuration: Configuration): void {
    if (anew(this.configuration, configuration).length) throw new Error("it needs a new session");
    const { shape, classes } = this.material;
    const before = this.configuration;
    this.configuration = configuration;
    if (compiled(before) === compiled(configuration)) return;
    this.game.dispose();
    this.game = game(configuration, shape, classes.length);
  }

  /** What there is to see, drawn by the averaged weights. */
  seen(): Seen {
    return isImages(this.configuration.data) ? this.images() : this.points();
  }

  /** FID of a few hundred images, or null where there is no measure. */
  distance(): number | null {
    const { classifier, classes } = this.material;
    if (!classifier) return null;
    const labels = inTurn(MEASURED, classes.length);
    return classifier.distance(this.draw(this.latents.measured.ref, labels).dataSync() as Float32Array);
  }

  /** The generator as a file for `experiments.sample`. */
  file(): Uint8Array {
    return exported(this.configuration, this.game, this.state, this.material, this.step);
  }

  dispose(): void {
    tree.dispose([this.state, this.data, this.latents] as never);
    this.game.dispose();
  }

  private get shown(): number {
    return isImages(this.configuration.data) ? SHOWN.images : SHOWN.points;
  }

  private draw(z: np.Array, labels: number[]): np.Array {
    const classes = this.material.classes.length;
    return this.game.draw(this.state, z, np.array(hot(labels, classes), { shape: [labels.length, classes] }));
  }

  /** Scores and gradients of examples with their labels; it consumes the examples. */
  private judge(examples: np.Array, labels: number[]): [number[], Float32Array] {
    const classes = this.material.classes.length;
    const [scores, pushes] = this.game.judge(
      this.state, examples, np.array(hot(labels, classes), { shape: [labels.length, classes] }),
    );
    return [Array.from(scores.dataSync()), pushes.dataSync() as Float32Array];
  }

  private images(): ImagesSeen {
    const { examples, labels, shape, classes } = this.material;
    const wanted = inTurn(this.shown, classes.length);
    const drawn = this.draw(this.latents.shown.ref, wanted);
    const generated = bytes(drawn.ref.dataSync() as Float32Array);
    const [scores, pushes] = this.judge(drawn, wanted);
    const size = 784 * this.shown;
    const real = examples.slice(0, size);
    const own = Array.from(labels.slice(0, this.shown));
    const [verdicts] = this.judge(np.array(real, { shape: [own.length, ...shape] }), own);
    return {
      kind: "images",
      generated,
      real: bytes(real),
      labels: { generated: wanted, real: own },
      scores: { generated: scores, real: verdicts },
      pushes,
    };
  }

  private points(): PointsSeen {
    const { points, classes } = this.material;
    const wanted = inTurn(this.shown, classes.length);
    const generated = pairs(this.draw(this.latents.shown.ref, wanted).dataSync());
    const cells = Float32Array.from(heatCells().flat());
    const cellLabels = inTurn(HEAT * HEAT, 1);
    const [heat] = this.judge(np.array(cells, { shape: [HEAT * HEAT, 2] }), cellLabels);
    const starts = Float32Array.from(generated.slice(0, ARROWS).flat());
    const [, pushes] = this.judge(np.array(starts, { shape: [ARROWS, 2] }), wanted.slice(0, ARROWS));
    return {
      kind: "points",
      generated,
      real: points!.points.slice(0, this.shown),
      pushes: pairs(pushes),
      heat,
      warp: this.configuration.latent === 2 ? this.warp() : null,
      found: judge(generated, points!),
    };
  }

  /** Lines of a square grid of latents, along one axis and then along the other. */
  private warp(): Point[][] {
    const { lines, points, reach } = WARP;
    const place = (i: number, count: number) => reach * ((2 * i) / (count - 1) - 1);
    const z: number[] = [];
    for (const along of [0, 1]) {
      for (let i = 0; i < lines; i++) {
        for (let j = 0; j < points; j++) {
          const both = [place(i, lines), place(j, points)];
          z.push(both[along]!, both[1 - along]!);
        }
      }
    }
    const latents = np.array(Float32Array.from(z), { shape: [z.length / 2, 2] });
    const mapped = pairs(this.draw(latents, inTurn(z.length / 2, 1)).dataSync());
    return Array.from({ length: 2 * lines }, (_, i) => mapped.slice(i * points, (i + 1) * points));
  }
}

/** What the compiled steps are made of, beside the nets; all else is given to them as numbers. */
function compiled({ loss, penalty, batch, players }: Configuration): string {
  return [loss, penalty, batch, players.generator.optimiser, players.discriminator.optimiser].join();
}

/** Middles of the heat map's cells, row by row from the top. */
function heatCells(): Point[] {
  const middle = (i: number) => REACH * ((2 * i + 1) / HEAT - 1);
  return Array.from({ length: HEAT * HEAT }, (_, i) => [middle(i % HEAT), -middle(Math.floor(i / HEAT))]);
}

/** Labels in turn: 0, 1, …, classes - 1, 0, … */
function inTurn(count: number, classes: number): number[] {
  return Array.from({ length: count }, (_, i) => i % classes);
}

function hot(labels: number[], classes: number): Float32Array<ArrayBuffer> {
  const found = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => (found[i * classes + label] = 1));
  return found;
}

function pairs(flat: ArrayLike<number>): Point[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

/** Bytes of pixels in [-1,1]. */
function bytes(pixels: Float32Array): Uint8Array {
  return Uint8Array.from(pixels, (x) => Math.round(127.5 * (Math.min(Math.max(x, -1), 1) + 1)));
}
