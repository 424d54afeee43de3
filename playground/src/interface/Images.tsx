/** Real and generated images, with the discriminator's verdict on each. */

import { useState } from "preact/hooks";

import { SIDE } from "../configuration";
import type { ImagesSeen } from "../training/session";
import { percent, probability, shares, useCanvas, verdict } from "./canvas";
import { Tick } from "./fields";

const COLUMNS = 10;
const SCALE = 2;
const BAR = 5; // height of a verdict, pixels
const GAP = 2;
const CELL = [SIDE * SCALE + GAP, SIDE * SCALE + BAR + GAP] as const;

type Side = "generated" | "real";

export function Images(props: { seen: ImagesSeen | null; logit: boolean }) {
  const { seen, logit } = props;
  const [pushed, setPushed] = useState(false);
  if (!seen) return <p class="note">the images are on their way …</p>;
  const both = shares([...seen.scores.generated, ...seen.scores.real], logit);
  const count = seen.scores.generated.length;
  return (
    <div class="images">
      <Grid
        title="generated"
        seen={seen}
        side="generated"
        verdicts={both.slice(0, count)}
        words={words(seen.scores.generated, logit)}
        pushes={pushed ? seen.pushes : null}
      />
      <Tick label="where the score would rise: orange brighter, blue darker" value={pushed} change={setPushed} />
      <Grid
        title="real"
        seen={seen}
        side="real"
        verdicts={both.slice(count)}
        words={words(seen.scores.real, logit)}
        pushes={null}
      />
      <p class="note">
        The bar under an image is the discriminator’s verdict: blue for
        “generated”, orange for “real”.
      </p>
    </div>
  );
}

/** What the discriminator says of images, on average. */
function words(scores: number[], logit: boolean): string {
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  if (!logit) return `mean score ${mean.toFixed(2)}`;
  const real = scores.reduce((a, b) => a + probability(b), 0) / scores.length;
  return `called real: ${percent(real)}`;
}

function Grid(props: {
  title: string;
  seen: ImagesSeen;
  side: Side;
  verdicts: number[];
  words: string;
  pushes: Float32Array | null;
}) {
  const { seen, side, verdicts, pushes, title } = props;
  const rows = Math.ceil(verdicts.length / COLUMNS);
  const canvas = useCanvas(
    COLUMNS * CELL[0],
    rows * CELL[1],
    (context) => {
      context.imageSmoothingEnabled = false;
      const small = new OffscreenCanvas(SIDE, SIDE);
      verdicts.forEach((share, i) => {
        const [x, y] = [(i % COLUMNS) * CELL[0], Math.floor(i / COLUMNS) * CELL[1]];
        small.getContext("2d")!.putImageData(picture(seen[side], pushes, i), 0, 0);
        context.drawImage(small, x, y, SIDE * SCALE, SIDE * SCALE);
        context.fillStyle = `rgb(${verdict(share).join(" ")})`;
        context.fillRect(x, y + SIDE * SCALE, SIDE * SCALE, BAR);
      });
    },
    [seen, side, pushes, verdicts.join()],
  );
  return (
    <figure>
      <figcaption>
        <b>{title}</b>, {props.words}
      </figcaption>
      <canvas ref={canvas} class="grid" role="img" aria-label={`${title} images; ${props.words}`} />
    </figure>
  );
}

/** One image, with the gradient of its score in colours where it is given. */
function picture(images: Uint8Array, pushes: Float32Array | null, at: number): ImageData {
  const size = SIDE * SIDE;
  const image = new ImageData(SIDE, SIDE);
  const own = pushes?.subarray(at * size, (at + 1) * size);
  const most = own?.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12) ?? 1;
  for (let i = 0; i < size; i++) {
    const grey = images[at * size + i]!;
    const push = own ? own[i]! / most : 0;
    const [up, down] = [Math.max(push, 0), Math.max(-push, 0)];
    // Towards orange where it should be brighter, towards blue where darker.
    const colours = [grey * (1 - down) + 255 * up, grey * (1 - Math.abs(push) / 2) + 60 * up, grey * (1 - up) + 255 * down];
    image.data.set([...colours, 255], 4 * i);
  }
  return image;
}
