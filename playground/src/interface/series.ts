/** Values over a training, of which few enough are kept to draw, as many of its past as of now. */

const KEPT = 400; // points of a curve

/** A value at a step of the training. */
export type At<T> = { step: number; value: T };

export type Series<T> = {
  points: At<T>[]; // each `stride`-th of those that were told
  stride: number;
  told: number;
  latest: At<T> | null;
};

export function empty<T>(): Series<T> {
  return { points: [], stride: 1, told: 0, latest: null };
}

/** The series with one more point; of too many every second one is dropped. */
export function longer<T>({ points, stride, told }: Series<T>, latest: At<T>): Series<T> {
  const kept = told % stride ? points : [...points, latest];
  const one = { told: told + 1, latest };
  if (kept.length <= KEPT) return { points: kept, stride, ...one };
  return { points: kept.filter((_, i) => i % 2 === 0), stride: 2 * stride, ...one };
}

/** What is drawn: the points that are kept, and the latest. */
export function pointsOf<T>({ points, latest }: Series<T>): At<T>[] {
  return latest === null || points.at(-1) === latest ? points : [...points, latest];
}
