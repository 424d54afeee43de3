/** What the page and the worker that trains say to each other. */

import type { Configuration } from "./configuration";
import type { Losses, Seen, Who } from "./training/session";

export type ToWorker =
  | { kind: "start"; base: string; device: string } // once: the page's address; "auto" or "wasm"
  | { kind: "configure"; configuration: Configuration; again: boolean } // `again`: from step 0
  | { kind: "own"; files: Uint8Array[] } // an IDX pair, which data “own” means once it is taken
  | { kind: "run"; slow: boolean }
  | { kind: "pause" }
  | { kind: "take"; who: Who | "round" }
  | { kind: "file" };

export type FromWorker =
  | { kind: "ready"; device: string; threads: boolean }
  | { kind: "began"; why: string; classes: string[]; floor: number | null; note: string }
  | { kind: "changed" }
  | { kind: "taken" } // the user's files
  | { kind: "fetching"; data: string }
  | { kind: "ended" } // the training: another one could not begin yet
  | { kind: "progress"; step: number; losses: Losses; perSecond: number | null }
  | { kind: "seen"; seen: Seen }
  | { kind: "measured"; step: number; distance: number }
  | { kind: "running"; running: boolean }
  | { kind: "diverged"; step: number }
  | { kind: "mistake"; text: string }
  | { kind: "broken" } // WebGPU, after which another worker has to train
  | { kind: "file"; bytes: Uint8Array };
