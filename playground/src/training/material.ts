/** What a training is about: real examples and their classes, ready for the device. */

import { SIDE, shape, type Configuration } from "../configuration";
import { Classifier, MEASURED } from "./classifier";
import { parse } from "./idx";
import { Mistake, type Shape } from "./layers";
import { pointSet, type PointSet } from "./points";
import { read } from "./safetensors";

export type Material = {
  examples: Float32Array; // [N,…] in [-1,1], or points
  shape: Shape; // of one example
  labels: Uint8Array;
  classes: string[]; // names
  points: PointSet | null;
  classifier: Classifier | null; // of images whose FID can be measured
  floor: number | null; // FID of real images, the least that a perfect generator would have
  note: string; // what a page should say of it, if anything
  source: { dataset: string; digest: string }; // as a generator's file names them
};

const MOST_OWN = 10_000; // images that are taken of a user's own, evenly spaced

/** The points of a configuration. Throws Mistake where none are drawn. */
export function ofPoints({ data, drawn, seed }: Configuration): Material {
  const points = pointSet(data, drawn, seed);
  if (!points.points.length) throw new Mistake("draw some points first: press on the plane");
  return {
    examples: Float32Array.from(points.points.flat()),
    shape: shape(data),
    labels: Uint8Array.from(points.labels),
    classes: points.centres.map((_, i) => `place ${i + 1}`),
    points,
    classifier: null,
    floor: null,
    note: "",
    source: { dataset: data, digest: "" },
  };
}

/** The images of a file that `experiments.playground` made of a data set. Throws Mistake. */
export function ofFile(bytes: Uint8Array): Material {
  const { metadata, tensors } = read(bytes);
  const { images, labels } = tensors;
  const { classes, dataset, digest } = metadata;
  if (!images || !labels || !classes || !dataset || !digest) {
    throw new Mistake("the file holds no images");
  }
  const found = ofBytes(images.data as Uint8Array, labels.data as Uint8Array, JSON.parse(classes));
  const classifier = new Classifier(tensors);
  return {
    ...found,
    classifier,
    floor: classifier.distance(found.examples.slice(0, MEASURED * SIDE * SIDE)),
    source: { dataset, digest },
  };
}

/** The images of a user's own IDX pair. Throws Mistake. */
export function ofIdx(files: Uint8Array[]): Material {
  const pair = [...files].sort((a, b) => b.length - a.length);
  if (pair.length !== 2) throw new Mistake("expected two files: images and labels");
  const images = named("images", () => parse(pair[0]!, 3));
  const labels = named("labels", () => parse(pair[1]!, 1));
  const [count = 0, height, width] = images.shape;
  if (height !== SIDE || width !== SIDE) {
    throw new Mistake(`images: they have ${height}×${width} pixels, expected ${SIDE}×${SIDE}`);
  }
  if (count !== labels.shape[0]) {
    throw new Mistake(`there are ${count} images and ${labels.shape[0]} labels`);
  }
  if (count < 2) throw new Mistake("images: expected two or more");
  const kept = Math.min(count, MOST_OWN);
  const chosen = Array.from({ length: kept }, (_, i) => Math.floor((i * count) / kept));
  const size = SIDE * SIDE;
  const pixels = new Uint8Array(kept * size);
  chosen.forEach((at, i) => pixels.set(images.data.subarray(at * size, (at + 1) * size), i * size));
  const own = Uint8Array.from(chosen, (at) => labels.data[at]!);
  const classes = Array.from({ length: Math.max(...new Set(own)) + 1 }, (_, i) => String(i));
  const [some, all] = [kept, count].map((x) => x.toLocaleString("en"));
  return { ...ofBytes(pixels, own, classes), note: kept < count ? `${some} of ${all} images` : "" };
}

function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Mistake) throw new Mistake(`${name}: ${error.message}`);
    throw error;
  }
}

function ofBytes(images: Uint8Array, labels: Uint8Array, classes: string[]): Material {
  return {
    examples: Float32Array.from(images, (x) => x / 127.5 - 1),
    shape: [SIDE, SIDE, 1],
    labels,
    classes,
    points: null,
    classifier: null,
    floor: null,
    note: "",
    source: { dataset: "own", digest: "" },
  };
}
