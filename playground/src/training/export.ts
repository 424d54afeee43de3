/** A trained generator as a file that `experiments.sample` reads. */

import { numpy as np, random, tree } from "@jax-js/jax";

import { SIDE, type Configuration } from "../configuration";
import type { Game, State } from "./game";
import { LAYERS } from "./layers";
import type { Material } from "./material";
import { frozen, type Net, type Params } from "./net";
import { write, type Written } from "./safetensors";

const VERSION = 2; // of the format of gen_models' files
const BATCH = 1024; // latents whose statistics batch normalisations take

/** The averaged weights, with batch statistics of their own, and what they were trained on. */
export function exported(
  configuration: Configuration,
  { generator }: Game,
  state: State,
  { classes, labels, source }: Material,
  step: number,
): Uint8Array {
  const { latent, batch, seed, labels: conditional } = configuration;
  let inputs = random.normal(random.key(seed), [BATCH, latent]);
  if (conditional) {
    const turns = Float32Array.from(
      { length: BATCH * classes.length },
      (_, i) => +(Math.floor(i / classes.length) % classes.length === i % classes.length),
    );
    inputs = np.concatenate([inputs, np.array(turns, { shape: [BATCH, classes.length] })], 1);
  }
  const params = frozen(generator, tree.ref(state.average), inputs);
  const about = {
    version: VERSION,
    step,
    recipe: {
      model: "playground",
      dataset: source.dataset,
      steps: Math.max(step, 1),
      batch_size: batch,
      seed,
      latent_size: latent,
      layers: generator.map(({ kind, size }) => (LAYERS[kind]!.size ? `${kind} ${size}` : kind)),
      labels: conditional,
    },
    data: {
      digest: source.digest,
      height: SIDE,
      width: SIDE,
      class_names: classes,
      labels: [...new Set(labels)].sort((a, b) => a - b),
    },
  };
  return write(named(generator, params), { "gen_models.model": JSON.stringify(about) });
}

/** The weights of a net by name, its kernels as other programs keep them. It consumes them. */
export function named(net: Net, params: Params): Record<string, Written> {
  const arrays: Record<string, Written> = {};
  params.forEach((weights, at) => {
    const { kernel = (x) => x } = LAYERS[net[at]!.kind]!;
    for (const [name, own] of Object.entries(weights)) {
      const weight = name === "kernel" ? kernel(own) : own;
      const { shape } = weight;
      arrays[`params/${at}/${name}`] = { shape, data: weight.dataSync() as Float32Array };
    }
  });
  return arrays;
}
