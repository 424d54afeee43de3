// Convolutions of images [N,H,W,C] by kernels [k,k,C,O], also of images spread apart by zeros, which
// are transposed convolutions.

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
              accumulate(y, out, x, pixel, w, tap, channels, features);
            }
          }
        }
      }
    }
  };
}

/** y[o] += Σ_c x[c] w[c,o], each from its place on. */
function accumulate(y, out, x, pixel, w, tap, channels, features) {
  for (let c = 0; c < channels; c++) {
    const factor = x[pixel + c];
    if (factor === 0) continue; // after a ReLU, half of them
    const start = tap + c * features;
    for (let o = 0; o < features; o++) y[out + o] += factor * w[start + o];
  }
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
