/** Drawing on canvases, at the screen's resolution. */

import { useEffect, useRef } from "preact/hooks";

/** A canvas that is painted anew whenever one of `when` changes. */
export function useCanvas(
  width: number,
  height: number,
  paint: (context: CanvasRenderingContext2D, colour: (name: string) => string) => void,
  when: unknown[],
) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context) return;
    const scale = globalThis.devicePixelRatio || 1;
    canvas.current.width = width * scale;
    canvas.current.height = height * scale;
    context.scale(scale, scale);
    const style = getComputedStyle(canvas.current);
    paint(context, (name) => style.getPropertyValue(`--${name}`));
  }, when);
  return canvas;
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
