// Random numbers: those of JAX for the same seed, by Threefry-2x32 (Salmon et al. 2011).

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
];

/** Twenty rounds of Threefry-2x32: a key and a counter, two u32 each -> two u32. */
export function threefry([key0, key1], [counter0, counter1]) {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x = (counter0 + keys[0]) >>> 0;
  let y = (counter1 + keys[1]) >>> 0;
  for (let round = 0; round < 5; round++) {
    for (const distance of ROTATIONS[round % 2]) {
      x = (x + y) >>> 0;
      y = ((y << distance) | (y >>> (32 - distance))) ^ x;
    }
    x = (x + keys[(round + 1) % 3]) >>> 0;
    y = (y + keys[(round + 2) % 3] + round + 1) >>> 0;
  }
  return [x >>> 0, y >>> 0];
}

/** A key of a whole number. */
const seed = () => ([number], key) => key.set([0, number[0]]);

/** A key of a key and a whole number. */
const foldIn = () => ([key, number], folded) => 
  folded.set(threefry(key, [0, number[0]]));

/** Keys of a key, one for each place. */
const split = () => ([key], keys) => {
  for (let i = 0; i < keys.length / 2; i++) keys.set(threefry(key, [0, i]), 2 * i);
};

/** 32 random bits for each place. */
const bits = () => ([key], numbers) => {
  for (let i = 0; i < numbers.length; i++) {
    const [x, y] = threefry(key, [0, i]);
    numbers[i] = x ^ y;
  }
};

export const random = {
  random_bits: bits,
  random_fold_in: foldIn,
  random_seed: seed,
  random_split: split,
};
