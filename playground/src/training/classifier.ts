/** FID in the features of the data set's classifier, the net that `experiments.evaluate` uses. */

import { jit, nn, numpy as np } from "@jax-js/jax";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

import { halve, LAYERS } from "./layers";
import type { Tensor } from "./safetensors";

/** Mean [D] and covariance [D,D] of features. */
export type Gaussian = { mean: number[]; covariance: Matrix };

const BATCH = 128; // images that are described at once
const HALVED = ["halve_0", "halve_1", "halve_2"];

/** The classifier's features, and the distance of images from the test images in them.
 *
 * Its batch normalisations are part of the kernels; `mean` and `root` are those of the test images'
 * features, whose covariance is rootᵀ·root. */
export class Classifier {
  private readonly weights: Record<string, np.Array> = {};
  private readonly mean: number[];
  private readonly root: Matrix;
  private readonly describe = jit((x: np.Array, weights: Record<string, np.Array>) => {
    const layer = (name: string) => ({
      kernel: weights[`${name}.kernel`]!.ref,
      bias: weights[`${name}.bias`]!.ref,
    });
    x = nn.relu(LAYERS.convolution!.apply(x, layer("convolution"), 0));
    for (const name of HALVED) {
      const { kernel, bias } = layer(name);
      const [, height, width] = x.shape as [number, number, number, number];
      const odd: [number, number][] = [[0, 0], [0, height % 2], [0, width % 2], [0, 0]];
      const all = halve(np.pad(x, odd), kernel);
      x = nn.relu(all.slice([], [0, height >> 1], [0, width >> 1]).add(bias));
    }
    x = LAYERS.dense!.apply(LAYERS.flatten!.apply(x, {}, 0), layer("dense"), 0);
    for (const weight of Object.values(weights)) weight.dispose();
    return nn.relu(x);
  });

  constructor(tensors: Record<string, Tensor>) {
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      if (/\.(kernel|bias)$/.test(name)) this.weights[name] = np.array(data as Float32Array<ArrayBuffer>, { shape });
    }
    this.mean = Array.from(tensors.mean!.data);
    this.root = Matrix.from1DArray(this.mean.length, this.mean.length, tensors.root!.data);
  }

  /** FID of images f32[N,28,28,1] in [-1,1] against the test images. N is a multiple of 128. */
  distance(images: Float32Array): number {
    const pixels = 28 * 28;
    const size = BATCH * pixels;
    const features: number[] = [];
    for (let at = 0; at < images.length; at += size) {
      const x = np.array(images.slice(at, at + size), { shape: [BATCH, 28, 28, 1] });
      const weights = Object.entries(this.weights).map(([name, weight]) => [name, weight.ref]);
      features.push(...this.describe(x, Object.fromEntries(weights)).dataSync());
    }
    const width = this.mean.length;
    const found = gaussian(Matrix.from1DArray(features.length / width, width, features));
    return frechet(found, this.mean, this.root);
  }

  dispose(): void {
    for (const weight of Object.values(this.weights)) weight.dispose();
    this.describe.dispose();
  }
}

/** The Gaussian fitted to features f64[N,D], with the unbiased covariance. */
export function gaussian(features: Matrix): Gaussian {
  const mean = features.mean("column");
  const centred = Matrix.sub(features, Matrix.ones(features.rows, 1).mmul(Matrix.rowVector(mean)));
  return { mean, covariance: centred.transpose().mmul(centred).div(features.rows - 1) };
}

/** |μ₁-μ₂|² + tr(Σ₁ + Σ₂ - 2√(Σ₁Σ₂)) (Heusel et al. 2017, eq. 6), Σ₂ = RᵀR being given by its root
 * R f64[D,D]: the eigenvalues of Σ₁Σ₂ are those of RΣ₁Rᵀ. */
export function frechet(samples: Gaussian, mean: number[], root: Matrix): number {
  const both = root.mmul(samples.covariance).mmul(root.transpose());
  const { realEigenvalues } = new EigenvalueDecomposition(both, { assumeSymmetric: true });
  const shared = realEigenvalues.reduce((sum, x) => sum + Math.sqrt(Math.max(x, 0)), 0);
  const shift = mean.reduce((sum, x, i) => sum + (x - samples.mean[i]!) ** 2, 0);
  const spread = samples.covariance.trace() + root.norm("frobenius") ** 2;
  return Math.max(0, shift + spread - 2 * shared);
}
