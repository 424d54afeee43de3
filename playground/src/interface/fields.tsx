/** Controls with their labels. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

/** The text of a number with a point where it has a decimal comma. */
export function point(text: string): string {
  return text.replace(",", ".");
}

/** A number that the owner is told of once it is valid. */
export function NumberField(props: {
  label: string;
  value: number;
  limits: readonly [number, number];
  whole?: boolean;
  change: (value: number) => void;
}) {
  const id = useId();
  const { label, value, limits, whole = false, change } = props;
  const [text, setText] = useState<string | null>(null); // while it is edited
  const read = (text: string) => Number(whole ? text : point(text));
  const valid = (text: string) => {
    const x = read(text);
    return text.trim() !== "" && x >= limits[0] && x <= limits[1] && (!whole || Number.isInteger(x));
  };
  const wrong = text !== null && !valid(text);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        value={text ?? String(value)}
        aria-invalid={wrong}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        onInput={(event) => {
          const now = event.currentTarget.value;
          setText(now);
          if (valid(now)) change(read(now));
        }}
        onBlur={() => setText(null)}
      />
      {wrong && (
        <span class="wrong" id={`${id}-wrong`}>
          {whole ? "a whole number" : "a number"} from {limits[0]} to {limits[1]}
        </span>
      )}
    </div>
  );
}

/** A choice among named values. */
export function Choice(props: {
  label: string;
  value: string;
  options: [string, string][];
  change: (value: string) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.change(event.currentTarget.value)}>
        {props.options.map(([value, title]) => (
          <option key={value} value={value}>{title}</option>
        ))}
      </select>
    </div>
  );
}

/** A box to tick. */
export function Tick(props: { label: string; value: boolean; change: (value: boolean) => void }) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        checked={props.value}
        onChange={(event) => props.change(event.currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}

/** A group of controls with a title. */
export function Group(props: { title: string; children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{props.title}</legend>
      {props.children}
    </fieldset>
  );
}
