/** FID in the features of the data set's classifier, the net that `experiments.evaluate` uses. */

import { jit, nn, numpy as np, tree } from "@jax-js/jax";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

import { blocks, LAYERS, windows, type Weights } from "./layers";
import type { Tensor } from "./safetensors";

/** Mean [D] and covariance [D,D] of features. */
export type Gaussian = { mean: number[]; covariance: Matrix };

export const MEASURED = 512; // images whose FID is taken
const BATCH = 128; // images that are described at once
const HALVED = ["halve_0", "halve_1", "halve_2"];

// Programs of their own: one of all would compute each block anew for each window.
const first = jit((x: np.Array, weights: Weights) => nn.relu(LAYERS.convolution!.apply(x, weights, 0)));
const paired = jit((x: np.Array) => {
  const [, height, width] = x.shape as [number, number, number, number];
  return blocks(np.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]));
});
const halved = jit((x: np.Array, { kernel, bias }: Weights) =>
  nn.relu(windows(x, 2, kernel!).add(bias!)));
const last = jit((x: np.Array, weights: Weights) =>
  nn.relu(LAYERS.dense!.apply(LAYERS.flatten!.apply(x, {}, 0), weights, 0)));

/** The classifier's features, and the distance of images from the test images in them.
 *
 * Its batch normalisations are part of the kernels; `mean` and `root` are those of the test images'
 * features, whose covariance is rootᵀ·root. */
export class Classifier {
  private readonly weights: Record<string, Weights> = {};
  private readonly mean: number[];
  private readonly root: Matrix;

  constructor(tensors: Record<string, Tensor>) {
    for (const name of ["convolution", ...HALVED, "dense"]) {
      const [kernel, bias] = ["kernel", "bias"].map((part) => {
        const { shape, data } = tensors[`${name}.${part}`]!;
        return np.array(data as Float32Array<ArrayBuffer>, { shape });
      }) as [np.Array, np.Array];
      this.weights[name] = { kernel: arranged(kernel), bias };
    }
    this.mean = Array.from(tensors.mean!.data);
    this.root = Matrix.from1DArray(this.mean.length, this.mean.length, tensors.root!.data);
  }

  /** FID of images f32[N,28,28,1] in [-1,1] against the test images. N is a multiple of 128. */
  distance(images: Float32Array): number {
    return frechet(gaussian(this.features(images)), this.mean, this.root);
  }

  /** Features f64[N,D] of such images. */
  features(images: Float32Array): Matrix {
    const size = BATCH * 28 * 28;
    const found: number[] = [];
    for (let at = 0; at < images.length; at += size) {
      const x = np.array(images.slice(at, at + size), { shape: [BATCH, 28, 28, 1] });
      found.push(...this.describe(x).dataSync());
    }
    const width = this.mean.length;
    return Matrix.from1DArray(found.length / width, width, found);
  }

  /** Features f32[N,D] of images; it consumes them. */
  private describe(x: np.Array): np.Array {
    const layer = (name: string): Weights => tree.ref(this.weights[name]!);
    x = first(x, layer("convolution"));
    for (const name of HALVED) {
      const [, height, width] = x.shape as [number, number, number, number];
      const all = halved(paired(x), layer(name));
      x = all.slice([], [0, height >> 1], [0, width >> 1]);
    }
    return last(x, layer("dense"));
  }
}

/** A kernel f32[k,k,C,O] of a convolution or f32[I,O] arranged for `windows`. */
function arranged(kernel: np.Array): np.Array {
  if (kernel.ndim === 2) return kernel;
  const [side, , inputs, outputs] = kernel.shape as [number, number, number, number];
  const flat = [side * side * inputs, outputs];
  if (side === 3) return kernel.reshape(flat);
  const apart = kernel.reshape([2, 2, 2, 2, inputs, outputs]);
  return np.array(apart.transpose([0, 2, 1, 3, 4, 5]).reshape(flat).dataSync(), { shape: flat });
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
