/** Sets of points in the plane, and how a generator's points are judged. */

export type Point = [number, number];

export type PointSet = {
  points: Point[];
  labels: number[]; // the nearest centre of each
  centres: Point[]; // places that a generator should find
  sources: Point[]; // a point within the radius of one of these belongs to the data
  radius: number;
  counts: number[]; // points of the data at each centre
};

type Uniform = () => number; // in [0,1)

const COUNT = 2048; // points of a set

/** Random numbers in [0,1) by their seed (Mulberry32). */
export function uniform(seed: number): Uniform {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Two independent normal numbers (Box & Muller 1958). */
function normal(random: Uniform): Point {
  const length = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  return [length * Math.cos(angle), length * Math.sin(angle)];
}

const turn = (share: number): Point => {
  const angle = 2 * Math.PI * share;
  return [Math.cos(angle), Math.sin(angle)];
};
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

type Kind = {
  title: string;
  spread: number; // standard deviation around a centre
  centres: (drawn: Point[]) => Point[];
};

const ON_SPIRAL = 32;
const MOST_CENTRES = 24; // of points drawn by hand

export const POINTS: Record<string, Kind> = {
  ring: {
    title: "ring of 8",
    spread: 0.03,
    centres: () => range(8).map((i) => scaled(turn(i / 8), 0.8)),
  },
  mixture: {
    title: "mixture of 25",
    spread: 0.03,
    centres: () => range(25).map((i) => [0.4 * (i % 5) - 0.8, 0.4 * Math.floor(i / 5) - 0.8]),
  },
  spiral: {
    title: "spiral",
    spread: 0.03,
    centres: () =>
      range(ON_SPIRAL).map((i) => {
        const share = (i + 4) / (ON_SPIRAL + 4);
        return scaled(turn(1.75 * share), 0.9 * share);
      }),
  },
  drawn: { title: "drawn by hand", spread: 0.03, centres: (drawn) => spread(drawn) },
};

const RADII = 4; // spreads to which the points of a source reach

/** The places of a set. `drawn` are the points of “drawn”. */
export function places(name: string, drawn: Point[]): Point[] {
  return POINTS[name]!.centres(drawn);
}

/** The set of a name, its noise by the seed. */
export function pointSet(name: string, drawn: Point[], seed: number): PointSet {
  const kind = POINTS[name]!;
  const random = uniform(seed);
  const centres = places(name, drawn);
  const sources = name === "drawn" ? drawn : centres;
  const points = range(sources.length ? COUNT : 0).map(() => {
    const [x, y] = sources[Math.floor(random() * sources.length)]!;
    const [dx, dy] = normal(random);
    return [x + kind.spread * dx, y + kind.spread * dy] as Point;
  });
  const labels = points.map((point) => nearest(point, centres));
  const near = { centres, sources, radius: RADII * kind.spread };
  return { points, labels, ...near, counts: counts(points, near) };
}

export type Found = {
  modes: number; // centres with at least a quarter of the points that the data have there
  of: number; // centres
  mass: number; // share of the points that lie at a centre
};

/** How many of the data's places a generator's points are at, and how many of them are. */
export function judge(points: Point[], set: PointSet): Found {
  const own = counts(points, set);
  const share = points.length / Math.max(set.points.length, 1);
  return {
    modes: own.filter((x, i) => x > 0 && x >= (share * set.counts[i]!) / 4).length,
    of: set.centres.length,
    mass: own.reduce((a, b) => a + b, 0) / Math.max(points.length, 1),
  };
}

/** How many of the points that are near a source have each centre as their nearest. */
function counts(
  points: Point[],
  { centres, sources, radius }: Pick<PointSet, "centres" | "sources" | "radius">,
): number[] {
  const found = centres.map(() => 0);
  for (const [x, y] of points) {
    const near = sources.some(([u, v]) => (x - u) ** 2 + (y - v) ** 2 <= radius ** 2);
    if (near) found[nearest([x, y], centres)]!++;
  }
  return found;
}

const scaled = ([x, y]: Point, by: number): Point => [by * x, by * y];
const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Index of the nearest centre; -1 where there is none. */
function nearest(point: Point, centres: Point[]): number {
  let [best, least] = [-1, Infinity];
  for (const [i, centre] of centres.entries()) {
    const far = distance(point, centre);
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

/** Some of the points, far from each other: each is the farthest from those before. */
function spread(points: Point[]): Point[] {
  const chosen = points.slice(0, 1);
  while (chosen.length && chosen.length < MOST_CENTRES) {
    const far = points.map((point) => Math.min(...chosen.map((other) => distance(point, other))));
    const most = Math.max(...far);
    if (most < 0.1) break;
    chosen.push(points[far.indexOf(most)]!);
  }
  return chosen;
}
