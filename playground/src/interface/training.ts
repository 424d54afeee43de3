/** The worker that trains, as a hook: what it last said, and how to ask it. */

import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";

import type { FromWorker, ToWorker } from "../messages";
import type { Losses, Seen } from "../training/session";
import TrainingWorker from "../worker?worker";
import { empty, longer, type Series } from "./series";

const SAVED = 60_000; // ms after which a file is surely on its way to the disk

/** All that the page knows of the training. */
export type Training = {
  device: string | null; // null until the worker is ready
  threads: boolean;
  running: boolean;
  step: number;
  perSecond: number | null;
  losses: Series<Losses>;
  measures: Series<number>; // FID, or the share of points at a place of the data
  floor: number | null; // FID of real images
  classes: string[];
  seen: Seen | null;
  status: string;
  failed: boolean; // whether the status says that something went wrong
  notice: string | null; // what is wrong with the link, until the training after it has begun
};

const NOTHING: Training = {
  device: null,
  threads: false,
  running: false,
  step: 0,
  perSecond: null,
  losses: empty(),
  measures: empty(),
  floor: null,
  classes: [],
  seen: null,
  status: "starting …",
  failed: false,
  notice: null,
};

/** What the page itself has to say. */
type FromPage =
  | { kind: "linked"; wrong: string | null } // a configuration, and what is wrong with its link
  | { kind: "mistake"; text: string };
type Event = FromWorker | FromPage | { kind: "restarted" };

/** Nothing is known of a new training but where it runs, and what is wrong with its link. */
function without({ device, threads, running, notice }: Training): Training {
  return { ...NOTHING, device, threads, running, notice, status: notice ?? "", failed: notice !== null };
}

function told(now: Training, event: Event): Training {
  switch (event.kind) {
    case "ready": {
      const { device, threads } = event;
      return { ...now, device, threads };
    }
    case "began": {
      const { classes, floor, why, note } = event;
      const first = now.running ? "" : "press “run”";
      const status = now.notice ?? [why ? `training starts anew: ${why}` : first, note].filter(Boolean).join("; ");
      return { ...without(now), classes, floor, status, notice: null };
    }
    case "ended":
      return without(now);
    case "linked": {
      const notice = event.wrong;
      return notice === null ? { ...now, notice } : { ...now, notice, status: notice, failed: true };
    }
    case "fetching":
      return { ...now, status: `fetching ${event.data} …`, failed: false };
    case "taken":
      return now;
    case "changed":
      if (!now.running) return { ...now, status: now.failed ? "changed" : now.status, failed: false };
      return { ...now, status: "changed; training goes on", failed: false };
    case "progress": {
      const { step, losses, perSecond } = event;
      const known = step > 0 && Number.isFinite(losses.generator + losses.discriminator);
      const point = { step, value: { ...losses } };
      return { ...now, step, perSecond, losses: known ? longer(now.losses, point) : now.losses };
    }
    case "seen": {
      const { seen } = event;
      if (seen.kind === "images" || !now.step) return { ...now, seen };
      return { ...now, seen, measures: longer(now.measures, { step: now.step, value: seen.found.mass }) };
    }
    case "measured":
      return { ...now, measures: longer(now.measures, { step: event.step, value: event.distance }) };
    case "running": {
      const { running } = event;
      if (running) return { ...now, running, status: "", failed: false };
      return { ...now, running, perSecond: null, status: now.failed ? now.status : "" };
    }
    case "diverged": {
      const status =
        `after ${event.step} steps the losses are no numbers any more: lower a rate, then start anew`;
      return { ...now, status, failed: true };
    }
    case "mistake":
      return { ...now, status: event.text, failed: true };
    case "restarted":
      return { ...without({ ...NOTHING, notice: now.notice }), status: now.notice ?? NOTHING.status };
    case "file":
    case "broken":
      return now;
  }
}

function save(bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as BlobPart], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: "playground.safetensors" }).click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED);
}

/** The training, a function that asks the worker, and one for what the page itself has to say. `taken`
 * is called once the worker has a user's files, `broken` where WebGPU fails. */
export function useTraining(
  device: string,
  taken: () => void,
  broken: () => void,
): { training: Training; ask: (message: ToWorker) => void; tell: (event: FromPage) => void } {
  const [training, tell] = useReducer(told, NOTHING);
  const worker = useRef<Worker | null>(null);
  const heard = useRef({ taken, broken });
  heard.current = { taken, broken };
  useEffect(() => {
    tell({ kind: "restarted" });
    const made = new TrainingWorker();
    made.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "file") save(data.bytes);
      if (data.kind === "taken") heard.current.taken();
      if (data.kind === "broken") heard.current.broken();
      tell(data);
    });
    made.addEventListener("error", (event) => {
      const text = `this browser cannot train: ${event.message || "its workers fail to start"}`;
      tell({ kind: "mistake", text });
    });
    made.postMessage({ kind: "start", base: document.baseURI, device } satisfies ToWorker);
    worker.current = made;
    return () => made.terminate();
  }, [device]);
  return useMemo(
    () => ({
      training,
      ask: (message: ToWorker) => worker.current?.postMessage(message),
      tell,
    }),
    [training],
  );
}
