/** Drawing on canvases, at the screen's resolution. */

import { useEffect, useRef } from "preact/hooks";

/** A canvas that is painted anew whenever one of `when` changes, or the screen does. It is painted as if
 * it had `width` times `height` pixels, whatever its size on the screen. */
export function useCanvas(
  width: number,
  height: number,
  paint: (context: CanvasRenderingContext2D, colour: (name: string) => string) => void,
  when: unknown[],
) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const repaint = useRef(() => {});
  repaint.current = () => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context) return;
    canvas.current.style.aspectRatio = `${width} / ${height}`;
    const scale = ((canvas.current.clientWidth || width) * devicePixelRatio) / width;
    canvas.current.width = Math.round(width * scale);
    canvas.current.height = Math.round(height * scale);
    context.scale(scale, scale);
    const style = getComputedStyle(canvas.current);
    paint(context, (name) => style.getPropertyValue(`--${name}`));
  };
  useEffect(() => repaint.current(), when);
  useEffect(() => canvas.current ? watched(canvas.current, () => repaint.current()) : undefined, []);
  return canvas;
}

/** Call `act` when an element has another size, or the screen another resolution or colours. Returns a
 * function that ends this. */
function watched(element: HTMLElement, act: () => void): () => void {
  const end = new AbortController();
  const { signal } = end;
  const sizes = new ResizeObserver(act);
  sizes.observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act, { signal });
  const resolution = () => {
    const same = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    same.addEventListener("change", () => (act(), resolution()), { signal, once: true });
  };
  resolution();
  return () => (sizes.disconnect(), end.abort());
}

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A number in as few characters as tell its size. */
export function short(value: number): string {
  const size = Math.abs(value);
  return size >= 1e6 || (size && size < 1e-4) ? value.toExponential(1) : NUMBER.format(value);
}

/** A share in [0,1] as text. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** The probability of “real” that a logit stands for. */
export function probability(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

/** Scores as shares in [0,1] for colours: probabilities of logits, else from least to most. */
export function shares(scores: number[], logit: boolean): number[] {
  if (logit) return scores.map(probability);
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  return scores.map((x) => (most > least ? (x - least) / (most - least) : 0.5));
}

/** Red, green and blue of a share: blue for “generated”, white between, orange for “real”. */
export function verdict(share: number): [number, number, number] {
  const [from, to] = share < 0.5 ? [[64, 120, 200], [245, 245, 245]] : [[245, 245, 245], [230, 140, 30]];
  const way = share < 0.5 ? 2 * share : 2 * share - 1;
  return [0, 1, 2].map((i) => Math.round(from![i]! + way * (to![i]! - from![i]!))) as [number, number, number];
}
