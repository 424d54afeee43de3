/** The plane: real and generated points, and what the players make of it. */

import { useRef, useState } from "preact/hooks";

import { MOST_DRAWN } from "../configuration";
import type { Point } from "../training/points";
import { HEAT, REACH, type PointsSeen } from "../training/session";
import { percent, shares, useCanvas, verdict } from "./canvas";
import { Tick } from "./fields";

const SIDE = 480;

const across = (x: number): number => (SIDE * (x / REACH + 1)) / 2;
const down = (y: number): number => (SIDE * (1 - y / REACH)) / 2;

export function Points(props: {
  seen: PointsSeen | null;
  logit: boolean;
  labels: boolean; // whether the players are given the label
  drawn: Point[] | null; // points drawn by hand, where that is what the data are
  draw: (points: Point[]) => void;
}) {
  const { seen, logit, drawn } = props;
  const [shown, setShown] = useState({ heat: true, warp: true, arrows: true });
  const latest = useRef<Point[]>([]); // several moves may come before the page is drawn again
  latest.current = drawn ?? [];
  const toggle = (name: keyof typeof shown) => (on: boolean) => setShown({ ...shown, [name]: on });
  const canvas = useCanvas(
    SIDE,
    SIDE,
    (context) => {
      context.fillStyle = "#f5f5f5";
      context.fillRect(0, 0, SIDE, SIDE);
      if (seen && shown.heat) heatMap(context, seen.heat, logit);
      if (seen?.warp && shown.warp) lines(context, seen.warp);
      dots(context, drawn?.length ? [...(seen?.real ?? []), ...drawn] : (seen?.real ?? []), "#1d6b35", 1.8);
      if (seen) dots(context, seen.generated, "#7b1fa2", 2);
      if (seen && shown.arrows) arrows(context, seen.generated, seen.pushes);
    },
    [seen, shown, logit, drawn],
  );
  type Press = PointerEvent & { currentTarget: HTMLCanvasElement };
  const press = (event: Press) => {
    if (!drawn || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    put(event);
  };
  const put = (event: Press) => {
    if (!drawn || !event.currentTarget.hasPointerCapture(event.pointerId)) return; // a drag from elsewhere
    const { left, top, width } = event.currentTarget.getBoundingClientRect();
    const place = (at: number) => REACH * ((2 * at) / width - 1);
    const point: Point = [round(place(event.clientX - left)), round(-place(event.clientY - top))];
    if (point.some((at) => Math.abs(at) > REACH)) return; // a finger that has left the plane
    latest.current = [...latest.current, point].slice(-MOST_DRAWN);
    props.draw(latest.current);
  };
  const found = seen?.found;
  return (
    <figure>
      <canvas
        ref={canvas}
        class={drawn ? "plane drawable" : "plane"}
        role="img"
        aria-label={
          found
            ? `Plane with real and generated points: ${found.modes} of ${found.of} places found`
            : "Plane with real and generated points"
        }
        onPointerDown={press}
        onPointerMove={put}
      />
      <figcaption>
        <p class="key">
          <span class="real">● real</span> <span class="generated">● generated</span>
          {found && (
            <span>
              {found.modes} of {found.of} places found, {percent(found.mass)} of the generated points at one
            </span>
          )}
        </p>
        <div class="ticks">
          <Tick label="discriminator’s heat map" value={shown.heat} change={toggle("heat")} />
          <Tick label="generator’s warped grid" value={shown.warp} change={toggle("warp")} />
          <Tick label="arrows: where its score rises" value={shown.arrows} change={toggle("arrows")} />
          {drawn && <button type="button" onClick={() => props.draw([])}>clear the points</button>}
        </div>
        {props.labels && <p class="note">The heat map and the grid are those of the first place’s label.</p>}
        {drawn && <p class="note">Draw on the plane; the training starts anew with your points.</p>}
      </figcaption>
    </figure>
  );
}

const round = (x: number): number => Math.round(1000 * x) / 1000;

function heatMap(context: CanvasRenderingContext2D, heat: number[], logit: boolean): void {
  const image = new ImageData(HEAT, HEAT);
  shares(heat, logit).forEach((share, i) => image.data.set([...verdict(share), 255], 4 * i));
  const small = new OffscreenCanvas(HEAT, HEAT);
  small.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, SIDE, SIDE);
}

function lines(context: CanvasRenderingContext2D, warp: Point[][]): void {
  context.strokeStyle = "#00000055";
  context.lineWidth = 0.7;
  context.beginPath();
  for (const line of warp) {
    line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](across(x), down(y)));
  }
  context.stroke();
}

function dots(context: CanvasRenderingContext2D, points: Point[], colour: string, radius: number): void {
  context.fillStyle = colour;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(across(x), down(y), radius, 0, 2 * Math.PI);
    context.fill();
  }
}

const LONGEST = 40; // pixels of an arrow

function arrows(context: CanvasRenderingContext2D, from: Point[], pushes: Point[]): void {
  const most = Math.max(...pushes.map(([x, y]) => Math.hypot(x, y))) || 1;
  context.strokeStyle = "#7b1fa2";
  context.lineWidth = 1;
  context.beginPath();
  for (const [i, [dx, dy]] of pushes.entries()) {
    const [x, y] = [across(from[i]![0]), down(from[i]![1])];
    const [u, v] = [(LONGEST * dx) / most, (-LONGEST * dy) / most];
    context.moveTo(x, y);
    context.lineTo(x + u, y + v);
    context.lineTo(x + 0.8 * u - 0.12 * v, y + 0.8 * v + 0.12 * u);
  }
  context.stroke();
}
