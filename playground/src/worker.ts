/** The worker that trains, so that the page stays quick. One message at a time. */

import { defaultDevice, init } from "@jax-js/jax";

import { anew, IMAGES, isImages, type Configuration } from "./configuration";
import type { FromWorker, ToWorker } from "./messages";
import { unpacked } from "./training/idx";
import { Mistake } from "./training/layers";
import { ofFile, ofIdx, ofPoints, type Material } from "./training/material";
import { Session } from "./training/session";

const BUSY = 50; // ms of steps between looking for messages
const REPORT = 100; // ms between reports of the losses
const LOOK = 300; // ms between pictures
const MEASURE = 10_000; // ms between measures of images
const SLOW = 700; // ms between the players' steps in slow motion

let session: Session | null = null;
let own: Material | null = null; // the user's images
const files = new Map<string, Promise<Material>>(); // of the data sets that were fetched
let mode: "paused" | "running" | "slow" = "paused";
let taken = 0; // steps of this round, in slow motion
let timer: ReturnType<typeof setTimeout> | undefined; // of the next moment of training
let queue: Promise<void> = Promise.resolve();
let device: "webgpu" | "wasm" = "wasm";
let base = ""; // address of the page
const last = { report: 0, look: 0, measure: 0, step: 0 };

function say(message: FromWorker, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  const apart = data.kind === "own" || data.kind === "file"; // the training goes on if these fail
  queue = queue.then(() => handle(data)).catch((error) => complain(error, !apart));
});

/** What went wrong, in a sentence; the page goes on. `stop` the training if it was that. */
function complain(error: unknown, stop = true): void {
  if (stop) setMode("paused");
  if (!(error instanceof Mistake) && device === "webgpu") return say({ kind: "broken" });
  const text = error instanceof Mistake ? error.message : `this browser cannot do it: ${String(error)}`;
  say({ kind: "mistake", text });
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "start":
      return start(message.base, message.device);
    case "configure":
      return configure(message.configuration, message.again);
    case "own":
      own = ofIdx(await Promise.all(message.files.map(unpacked)));
      return say({ kind: "taken" });
    case "run":
      if (!session) throw new Mistake("there is nothing to train yet");
      return setMode(message.slow ? "slow" : "running");
    case "pause":
      setMode("paused");
      return show(true);
    case "take":
      if (message.who === "round") session?.round();
      else session?.take(message.who);
      return show(true);
    case "file":
      if (session) {
        const bytes = session.file();
        say({ kind: "file", bytes }, [bytes.buffer as ArrayBuffer]);
      }
  }
}

async function start(page: string, wanted: string): Promise<void> {
  base = page;
  const devices = await init();
  device = devices.includes("webgpu") && wanted === "auto" ? "webgpu" : "wasm";
  defaultDevice(device);
  say({ kind: "ready", device, threads: self.crossOriginIsolated });
}

async function configure(configuration: Configuration, again: boolean): Promise<void> {
  const changed = session ? anew(session.configuration, configuration) : [];
  if (session && !again && !changed.length) {
    session.change(configuration);
    return say({ kind: "changed" });
  }
  end();
  const material = await find(configuration);
  session = new Session(configuration, material);
  Object.assign(last, { report: 0, look: 0, measure: performance.now(), step: 0 });
  const why = again ? "it was asked to" : changed.join(", ");
  const { classes, floor, note } = material;
  say({ kind: "began", why, classes, floor, note });
  show(true);
}

/** End the training, also one whose arrays an error has left half used. */
function end(): void {
  const before = session;
  session = null;
  say({ kind: "ended" });
  try {
    before?.dispose();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
  }
}

async function find(configuration: Configuration): Promise<Material> {
  const { data } = configuration;
  if (!isImages(data)) return ofPoints(configuration);
  if (data === "own") {
    if (!own) throw new Mistake("drop the two IDX files of your images on the page first");
    return own;
  }
  if (!files.has(data)) {
    say({ kind: "fetching", data: IMAGES[data]! });
    files.set(data, fetched(data));
  }
  try {
    return await files.get(data)!;
  } catch (error) {
    files.delete(data); // so that it is tried again
    throw error;
  }
}

async function fetched(data: string): Promise<Material> {
  const response = await fetch(new URL(`data/${data}.safetensors`, base)).catch(() => null);
  if (!response) throw new Mistake(`${data} could not be fetched: does the server still run?`);
  if (!response.ok) throw new Mistake(`${data} could not be fetched: ${await response.text()}`);
  return ofFile(new Uint8Array(await response.arrayBuffer()));
}

function setMode(now: typeof mode): void {
  const before = mode;
  mode = now;
  say({ kind: "running", running: mode !== "paused" });
  last.step = session?.step ?? 0;
  last.report = performance.now();
  if (before === "paused" && mode !== "paused") soon(0);
}

/** Go on training after some time, in one loop only. */
function soon(wait: number): void {
  clearTimeout(timer);
  timer = setTimeout(go, wait);
}

/** Train for a moment, then let messages in. */
function go(): void {
  if (mode === "paused") return;
  let wait = 0;
  queue = queue.then(() => {
    if (mode === "paused" || !session) return;
    if (mode === "slow") {
      const { discriminatorSteps, generatorSteps } = session.configuration;
      session.take(taken < discriminatorSteps ? "discriminator" : "generator");
      taken = (taken + 1) % (discriminatorSteps + generatorSteps);
      wait = SLOW;
    } else {
      const end = performance.now() + BUSY;
      do session.round();
      while (performance.now() < end && session.finite);
    }
    show(mode === "slow");
  }).catch((error) => complain(error)).then(() => soon(wait));
}

/** Report what is due, or all of it. */
function show(all: boolean): void {
  if (!session) return;
  const now = performance.now();
  if (all || now - last.report > REPORT) {
    const perSecond = mode === "running" ? (1000 * (session.step - last.step)) / (now - last.report) : null;
    say({ kind: "progress", step: session.step, losses: session.losses, perSecond });
    Object.assign(last, { report: performance.now(), step: session.step });
  }
  if (all || now - last.look > LOOK) {
    say({ kind: "seen", seen: session.seen() });
    last.look = performance.now();
  }
  if (!session.finite) {
    say({ kind: "diverged", step: session.step });
    return setMode("paused");
  }
  if (session.step && mode === "running" && now - last.measure > MEASURE) {
    const distance = session.distance();
    if (distance !== null) say({ kind: "measured", step: session.step, distance });
    last.measure = performance.now();
  }
}
