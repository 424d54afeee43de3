/** The page. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { checkNets, fromLink, isImages, toLink, usual, withData, type Configuration } from "../configuration";
import { Mistake } from "../training/layers";
import { LOSSES } from "../training/losses";
import { places } from "../training/points";
import { Bar } from "./Bar";
import { Curves } from "./Curves";
import { Images } from "./Images";
import { Lessons } from "./Lessons";
import { NetEditor } from "./NetEditor";
import { Points } from "./Points";
import { pointsOf } from "./series";
import { Settings } from "./Settings";
import { useTraining, type Training } from "./training";

const SETTLED = 250; // ms without a change before it is sent to the worker
const MISTAKEN = {
  before: "a net has a mistake: mend it, then training can begin",
  amid: "a net has a mistake: until it is mended there are only the nets before",
};
const IMAGE_CLASSES = 10; // of the data sets that come with the page

/** The configuration of the page's address, or the usual one with what is wrong with the address. */
function linked(): [Configuration, string | null] {
  const link = location.hash.slice(1);
  if (!link) return [usual("ring"), null];
  try {
    return [fromLink(link), null];
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return [usual("ring"), error.message];
  }
}

/** What the training runs on, in words. */
function where({ device, threads }: Training, broken: boolean): string {
  if (device === null) return "";
  if (device === "webgpu") return " (WebGPU)";
  return ` (WebAssembly, ${threads ? "threads" : "one thread"}${broken ? "; WebGPU failed here" : ""})`;
}

export function App() {
  const [link, setLinked] = useState(linked);
  const [configuration, wrong] = link;
  const [device, setDevice] = useState("auto");
  const again = useRef(false); // whether the next configuration starts anew in any case
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined); // until a change is sent
  const adopt = (configuration: Configuration, wrong: string | null = null) => {
    again.current = true;
    setLinked([configuration, wrong]);
  };
  const [broken, setBroken] = useState(false); // whether WebGPU failed
  const { training, ask, tell } = useTraining(
    device,
    () => adopt(chosen("own")),
    () => (setBroken(true), setDevice("wasm")),
  );
  const { data, latent, labels, loss } = configuration;
  /** The configuration with other data; where that has other nets, Back returns to these. */
  const chosen = (to: string): Configuration => {
    const next = to === data ? { ...configuration } : withData(configuration, to);
    if (isImages(to) !== isImages(data)) {
      history.replaceState(null, "", `#${toLink(configuration)}`);
      history.pushState(null, "", `#${toLink(next)}`);
    }
    return next;
  };
  const images = isImages(data);
  const classes = useMemo(() => {
    if (!images) return places(data, configuration.drawn).length;
    return data === "own" ? training.classes.length || IMAGE_CLASSES : IMAGE_CLASSES;
  }, [images, data, configuration.drawn, training.classes.length]);
  const nets = useMemo(() => checkNets(configuration, classes), [configuration, classes]);
  const mistaken = nets.generator.mistake !== null || nets.discriminator.mistake !== null;

  useEffect(() => {
    const follow = () => {
      clearTimeout(settling.current); // it would write over the address
      adopt(...linked());
    };
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);

  useEffect(() => tell({ kind: "linked", wrong }), [link]);

  const ready = training.device !== null;
  useEffect(() => {
    settling.current = setTimeout(() => {
      if (wrong === null) history.replaceState(null, "", `#${toLink(configuration)}`);
      if (!ready || mistaken) return;
      ask({ kind: "configure", configuration, again: again.current });
      again.current = false;
    }, SETTLED);
    return () => clearTimeout(settling.current);
  }, [ready, configuration, wrong, mistaken]);

  const change = (part: Partial<Configuration>) => setLinked([{ ...configuration, ...part }, null]);
  const take = async (files: FileList) => {
    const bytes = async (file: File) => new Uint8Array(await file.arrayBuffer());
    const read = await Promise.all([...files].map(bytes)).catch(() => null); // such as folders
    if (read) ask({ kind: "own", files: read });
    else tell({ kind: "mistake", text: "that file could not be read" });
  };
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      if (event.dataTransfer?.files.length) void take(event.dataTransfer.files);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  });

  const { seen, measures, losses } = training;
  const logit = LOSSES[loss]!.logit;
  const player = (name: "generator" | "discriminator") =>
    pointsOf(losses).map(({ step, value }) => ({ step, value: value[name] }));
  return (
    <>
      <header>
        <h1>GAN playground</h1>
        <p class="note">Generative adversarial networks that train in this page{where(training, broken)}</p>
      </header>
      <Bar
        training={training}
        idle={!ready || mistaken}
        images={images}
        ask={ask}
        again={() => ask({ kind: "configure", configuration, again: true })}
        device={device}
        choose={setDevice}
      />
      <p id="status" role="status" class={training.failed ? "wrong" : ""}>
        {mistaken ? MISTAKEN[training.classes.length ? "amid" : "before"] : training.status}
      </p>
      <main>
        <div class="view">
          {images ? (
            <Images seen={seen?.kind === "images" ? seen : null} logit={logit} />
          ) : (
            <Points
              seen={seen?.kind === "points" ? seen : null}
              logit={logit}
              labels={labels}
              drawn={data === "drawn" ? configuration.drawn : null}
              draw={(drawn) => change({ drawn })}
            />
          )}
          <Curves
            title="losses"
            curves={[
              { name: "discriminator", colour: "judge", points: player("discriminator") },
              { name: "generator", colour: "maker", points: player("generator") },
            ]}
          />
          {data === "own" ? (
            <p class="note">Your own images are not measured: FID needs a classifier of theirs.</p>
          ) : (
            <Curves
              title={images ? "FID of 512 images" : "share at a place of the data"}
              curves={[{ name: "", colour: "ink", points: pointsOf(measures) }]}
              floor={images ? training.floor : null}
              zero
            />
          )}
        </div>
        <div class="nets">
          <NetEditor
            title="Generator"
            input={`${latent} random numbers z${labels ? ` and ${classes} of the label` : ""}`}
            lines={configuration.generator}
            checked={nets.generator}
            change={(generator) => change({ generator })}
          />
          <NetEditor
            title="Discriminator"
            input={`${images ? "28×28×1 pixels" : "2 coordinates"}${labels ? "; its last features are compared with the label" : ""}`}
            lines={configuration.discriminator}
            checked={nets.discriminator}
            change={(discriminator) => change({ discriminator })}
          />
        </div>
        <Settings configuration={configuration} change={change} choose={(data) => change(chosen(data))} files={(files) => void take(files)} />
      </main>
      <Lessons />
    </>
  );
}
