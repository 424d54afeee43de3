// Convolutions of images [N,H,W,C] by kernels [k,k,C,O], also of images spread apart by zeros, which
// are transposed convolutions.

import { addProduct } from "./products.js";

function convolution({ stride, before, dilation }, [image, kernel], output) {
  const [count, height, width, channels] = image.shape;
  const [kernelHeight, kernelWidth, , features] = kernel.shape;
  const [, outHeight, outWidth] = output.shape;
  const rows = taps(outHeight, kernelHeight, height, stride[0], before[0], dilation[0]);
  const columns = taps(outWidth, kernelWidth, width, stride[1], before[1], dilation[1]);
  return ([x, w], y) => {
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < outHeight; i++) {
        for (let j = 0; j < outWidth; j++) {
          const out = ((n * outHeight + i) * outWidth + j) * features;
          for (const [a, row] of rows[i]) {
            for (const [b, column] of columns[j]) {
              const pixel = ((n * height + row) * width + column) * channels;
              const tap = (a * kernelWidth + b) * channels * features;
              addProduct(y, out, x, pixel, w, tap, channels, features);
            }
          }
        }
      }
    }
  };
}

/** For each place of the output the pairs of tap and place of the image that meet there, leaving out
 * zeros between pixels and around the image. */
function taps(places, kernel, length, stride, before, dilation) {
  return Array.from({ length: places }, (_, place) => {
    const pairs = [];
    for (let tap = 0; tap < kernel; tap++) {
      const spread = place * stride + tap - before;
      const at = spread / dilation;
      if (spread >= 0 && Number.isInteger(at) && at < length) pairs.push([tap, at]);
    }
    return pairs;
  });
}

export const convolutions = { conv_general_dilated: convolution };
