/** The buttons that run a training, and how far it is. */

import { useState } from "preact/hooks";

import type { ToWorker } from "../messages";
import { Choice, Tick } from "./fields";
import type { Training } from "./training";

export function Bar(props: {
  training: Training;
  idle: boolean; // whether none can be started
  images: boolean;
  ask: (message: ToWorker) => void;
  again: () => void;
  device: string;
  choose: (device: string) => void;
}) {
  const { training, idle, ask } = props;
  const { running, step, perSecond } = training;
  const [slow, setSlow] = useState(false);
  const none = idle || !training.classes.length; // no training has begun
  const still = none || running;
  return (
    <section class="bar" aria-label="training">
      <button
        type="button"
        class="main"
        disabled={none && !running}
        onClick={() => ask(running ? { kind: "pause" } : { kind: "run", slow })}
      >
        {running ? "pause" : "run"}
      </button>
      <Action name="one step" off={still} press={() => ask({ kind: "take", who: "round" })} />
      <Action name="discriminator’s step" off={still} press={() => ask({ kind: "take", who: "discriminator" })} />
      <Action name="generator’s step" off={still} press={() => ask({ kind: "take", who: "generator" })} />
      <Action name="start anew" off={idle} press={props.again} />
      <Tick
        label="slow motion"
        value={slow}
        change={(slow) => {
          setSlow(slow);
          if (running) ask({ kind: "run", slow });
        }}
      />
      {props.images && <Action name="save the generator" off={none || !step} press={() => ask({ kind: "file" })} />}
      <Choice
        label="device"
        value={props.device}
        options={[["auto", "the fastest"], ["wasm", "WebAssembly"]]}
        change={props.choose}
      />
      <span class="count">
        step <b id="step">{step}</b>
        {perSecond !== null && ` · ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} a second`}
      </span>
    </section>
  );
}

function Action(props: { name: string; off: boolean; press: () => void }) {
  return <button type="button" disabled={props.off} onClick={props.press}>{props.name}</button>;
}
