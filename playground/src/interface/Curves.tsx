/** Curves of the losses and of the measure, over the steps. */

import { short, useCanvas } from "./canvas";
import type { At } from "./series";

const [WIDTH, HEIGHT] = [480, 130];
const MARGIN = { left: 44, bottom: 18, top: 6, right: 6 };

export type Curve = { name: string; colour: string; points: At<number>[] };

export function Curves(props: { title: string; curves: Curve[]; floor?: number | null; zero?: boolean }) {
  const { title, curves, floor = null, zero = false } = props;
  const all = curves.flatMap(({ points }) => points);
  const values = all.map(({ value }) => value);
  const least = Math.min(zero ? 0 : Infinity, ...values);
  const most = Math.max(zero ? 0.001 : -Infinity, ...values);
  const last = Math.max(1, ...all.map(({ step }) => step));
  const across = (step: number) => MARGIN.left + (step / last) * (WIDTH - MARGIN.left - MARGIN.right);
  const down = (value: number) => {
    const share = most > least ? (value - least) / (most - least) : 0.5;
    return HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.bottom - MARGIN.top);
  };
  const canvas = useCanvas(
    WIDTH,
    HEIGHT,
    (context, colour) => {
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = context.strokeStyle = colour("soft");
      if (!all.length) return context.fillText("nothing yet", MARGIN.left, HEIGHT / 2);
      context.textAlign = "right";
      for (const value of [least, most]) {
        context.fillText(short(value), MARGIN.left - 5, down(value) + 4);
      }
      context.fillText(`${last} steps`, WIDTH - MARGIN.right, HEIGHT - 4);
      context.strokeRect(MARGIN.left, MARGIN.top, WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.bottom - MARGIN.top);
      if (floor !== null && floor >= least) line(context, [[MARGIN.left, down(floor)], [WIDTH - MARGIN.right, down(floor)]], true);
      for (const { points, colour: name } of curves) {
        context.strokeStyle = colour(name);
        line(context, points.map(({ step, value }) => [across(step), down(value)]), false);
      }
    },
    [curves, floor],
  );
  const now = curves.map(({ name, points }) => points.length ? `${name} ${short(points.at(-1)!.value)}` : name);
  return (
    <figure class="curves">
      <figcaption>
        {title}:{" "}
        {curves.map(({ colour }, i) => (
          <span key={colour} style={{ color: `var(--${colour})` }}>{now[i]} </span>
        ))}
      </figcaption>
      <canvas ref={canvas} role="img" aria-label={`${title}: ${now.join(", ")}`} />
    </figure>
  );
}

function line(context: CanvasRenderingContext2D, points: [number, number][], dashed: boolean): void {
  context.setLineDash(dashed ? [4, 4] : []);
  context.beginPath();
  points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
  context.stroke();
  context.setLineDash([]);
}
