// A trained model that runs in the page.

import { compile } from "./program.js";
import { readWeights } from "./weights.js";

/** A model of the page's contents, at each of its checkpoints. Labels are given as shares of the
 * classes, f32[K], of which one is usually 1. Programs are compiled when they are first used. */
export class Model {
  constructor(run) {
    this.run = run;
    this.ready = new Map();
    this.drawn = new Map();
  }

  /** The latents of a seed, one for each of the labels; those of the seed in Python. */
  latents(step, seed, labels) {
    const key = [step, seed, ...labels].join();
    if (!this.drawn.has(key)) {
      const mix = labels.flatMap((label) => [...this.only(label)]);
      const [z] = this.take("prior", step)({
        seed: Uint32Array.of(seed),
        labels: Int32Array.from(labels),
        mix: Float32Array.from(mix),
      });
      const length = z.length / labels.length;
      this.drawn.clear();
      this.drawn.set(key, labels.map((_, i) => z.slice(i * length, (i + 1) * length)));
    }
    return this.drawn.get(key);
  }

  /** The image f32[H·W] in [-1,1] of a latent. */
  image(step, z, mix) {
    return this.take("generate", step)({ z, ...labelled(mix) })[0];
  }

  /** The place in the latent space of an image f32[H·W]. */
  encode(step, images, mix) {
    return this.take("encode", step)({ images, ...labelled(mix) })[0];
  }

  /** The image f32[H·W] of a place in the latent space. */
  decode(step, places, mix) {
    return this.take("decode", step)({ places, ...labelled(mix) })[0];
  }

  /** The discrete codes of an image f32[H·W]. */
  codes(step, images) {
    return this.take("codes", step)({ images })[0];
  }

  /** Shares of the classes of which one has all. */
  only(label) {
    const mix = new Float32Array(this.run.classes.length);
    mix[label] = 1;
    return mix;
  }

  take(name, step) {
    const key = `${name} ${step}`;
    if (!this.ready.has(key)) {
      const program = this.run.programs[name];
      const weights = {};
      for (const each of Object.keys(program.weights)) weights[each] = this.weight(each, step);
      this.ready.set(key, compile(program, weights));
    }
    return this.ready.get(key);
  }

  weight(name, step) {
    const key = `weight ${name} ${step}`;
    if (!this.ready.has(key)) {
      this.ready.set(key, readWeights(this.run.checkpoints[step].weights[name]));
    }
    return this.ready.get(key);
  }
}

/** The label as a net takes it: as shares, or as the class with the largest one. */
function labelled(mix) {
  return { mix, labels: Int32Array.of(mix.indexOf(Math.max(...mix))) };
}

/** Grey levels of pixels in [-1,1], as in Python. */
export function levels(image) {
  return Uint8ClampedArray.from(image, (x) => Math.round((Math.min(Math.max(x, -1), 1) + 1) * 127.5));
}

/** Pixels in [-1,1] of grey levels. */
export const pixels = (grey) => Float32Array.from(grey, (x) => x / 127.5 - 1);
