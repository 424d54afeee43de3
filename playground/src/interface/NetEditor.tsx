/** A net, layer by layer. */

import { LAYERS } from "../training/layers";
import type { Checked } from "../training/net";

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
  const swap = (a: number, b: number) => change(lines.with(a, lines[b]!).with(b, lines[a]!));
  return (
    <fieldset class="net">
      <legend>{title}</legend>
      <p class="note">given: {props.input}</p>
      <ol>
        {lines.map((line, at) => (
          <LayerRow
            key={at}
            name={`${title}, layer ${at + 1}`}
            line={line}
            shape={checked.shapes[at]?.join("×") ?? ""}
            mistake={checked.at === at ? checked.mistake : null}
            change={(line) => put(at, line)}
            up={at > 0 ? () => swap(at - 1, at) : undefined}
            down={at < lines.length - 1 ? () => swap(at, at + 1) : undefined}
            remove={() => change(lines.toSpliced(at, 1))}
          />
        ))}
      </ol>
      {checked.mistake !== null && checked.at < 0 && <p class="wrong" role="alert">{checked.mistake}</p>}
      <select
        aria-label={`add a layer to the ${title.toLowerCase()}`}
        value=""
        onChange={(event) => {
          const kind = event.currentTarget.value;
          if (kind) change([...lines, usual(kind)]);
          event.currentTarget.value = "";
        }}
      >
        <option value="">add a layer …</option>
        {KINDS.map(([kind, title]) => <option key={kind} value={kind}>{title}</option>)}
      </select>
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
            onInput={(event) => change(`${kind} ${event.currentTarget.value.trim()}`)}
          />
        )}
        <span class="shape">{props.shape}</span>
        <button type="button" aria-label={`${name}: up`} disabled={!props.up} onClick={props.up}>↑</button>
        <button type="button" aria-label={`${name}: down`} disabled={!props.down} onClick={props.down}>↓</button>
        <button type="button" aria-label={`${name}: remove`} onClick={props.remove}>✕</button>
      </div>
      {props.mistake !== null && <p class="wrong" role="alert">{props.mistake}</p>}
    </li>
  );
}
