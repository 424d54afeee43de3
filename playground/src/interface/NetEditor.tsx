/** A net, layer by layer. */

import { useEffect, useRef, useState } from "preact/hooks";

import { LAYERS } from "../training/layers";
import type { Checked } from "../training/net";
import { point } from "./fields";

const KINDS = Object.entries(LAYERS).map(([kind, { title }]) => [kind, title] as const);

/** A layer of a kind as it is written, with its usual number. */
function usual(kind: string): string {
  const { size } = LAYERS[kind]!;
  return size ? `${kind} ${size.usual}` : kind;
}

export function NetEditor(props: {
  title: string;
  input: string; // what the net is given, in words
  lines: string[];
  checked: Checked;
  change: (lines: string[]) => void;
}) {
  const { title, lines, checked, change } = props;
  const put = (at: number, line: string) => change(lines.with(at, line));
  const [added, setAdded] = useState(KINDS[0]![0]); // the kind of the next layer
  const rows = useRef<HTMLOListElement>(null);
  const moved = useRef<{ to: number; by: number } | null>(null);
  const move = (from: number, by: number) => {
    const to = from + by;
    moved.current = { to, by };
    change(lines.with(from, lines[to]!).with(to, lines[from]!));
  };
  useEffect(() => {
    if (!moved.current) return;
    const { to, by } = moved.current;
    moved.current = null;
    const row = rows.current!.children[to]!;
    const button = row.querySelector<HTMLButtonElement>(by < 0 ? ".up" : ".down")!;
    (button.disabled ? row.querySelector("select")! : button).focus(); // the layer that was moved
  }, [lines]);
  return (
    <fieldset class="net">
      <legend>{title}</legend>
      <p class="note">given: {props.input}</p>
      <ol ref={rows}>
        {lines.map((line, at) => (
          <LayerRow
            key={at}
            name={`${title}, layer ${at + 1}`}
            line={line}
            shape={checked.shapes[at]?.join("×") ?? ""}
            mistake={checked.at === at ? checked.mistake : null}
            change={(line) => put(at, line)}
            up={at > 0 ? () => move(at, -1) : undefined}
            down={at < lines.length - 1 ? () => move(at, 1) : undefined}
            remove={() => change(lines.toSpliced(at, 1))}
          />
        ))}
      </ol>
      {checked.mistake !== null && checked.at < 0 && <p class="wrong" role="alert">{checked.mistake}</p>}
      <div class="add">
        <select
          aria-label={`kind of a layer to add to the ${title.toLowerCase()}`}
          value={added}
          onChange={(event) => setAdded(event.currentTarget.value)}
        >
          {KINDS.map(([kind, title]) => <option key={kind} value={kind}>{title}</option>)}
        </select>
        <button
          type="button"
          aria-label={`add the layer to the ${title.toLowerCase()}`}
          onClick={() => change([...lines, usual(added)])}
        >
          add
        </button>
      </div>
    </fieldset>
  );
}

function LayerRow(props: {
  name: string;
  line: string;
  shape: string;
  mistake: string | null;
  change: (line: string) => void;
  up: (() => void) | undefined;
  down: (() => void) | undefined;
  remove: () => void;
}) {
  const { name, line, change } = props;
  const [kind = "", number = ""] = line.split(" ");
  const layer = Object.hasOwn(LAYERS, kind) ? LAYERS[kind] : undefined;
  return (
    <li>
      <div class="layer">
        <select aria-label={name} value={kind} onChange={(event) => change(usual(event.currentTarget.value))}>
          {!layer && <option value={kind}>{kind}</option>}
          {KINDS.map(([kind, title]) => <option key={kind} value={kind}>{title}</option>)}
        </select>
        {layer?.size && (
          <input
            type="text"
            inputMode="decimal"
            aria-label={`${name}: ${layer.size.name}`}
            value={number}
            onInput={(event) => {
              const text = event.currentTarget.value.trim();
              change(`${kind} ${layer.size!.whole ? text : point(text)}`);
            }}
          />
        )}
        <span class="shape">{props.shape}</span>
        <button type="button" class="up" aria-label={`${name}: up`} disabled={!props.up} onClick={props.up}>↑</button>
        <button type="button" class="down" aria-label={`${name}: down`} disabled={!props.down} onClick={props.down}>↓</button>
        <button type="button" aria-label={`${name}: remove`} onClick={props.remove}>✕</button>
      </div>
      {props.mistake !== null && <p class="wrong" role="alert">{props.mistake}</p>}
    </li>
  );
}
