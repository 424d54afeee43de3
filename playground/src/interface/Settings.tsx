/** What a game is made of, beside its nets. */

import { IMAGES, LIMITS, type Configuration } from "../configuration";
import { LOSSES, PENALTIES } from "../training/losses";
import { OPTIMISERS, type Player } from "../training/optimisers";
import { POINTS } from "../training/points";
import { Choice, Group, NumberField, Tick } from "./fields";

const titles = (table: Record<string, { title: string } | null>): [string, string][] =>
  Object.entries(table).map(([name, entry]) => [name, entry?.title ?? name]);
const DATA: [string, string][] = [...titles(POINTS), ...Object.entries(IMAGES)];

export function Settings(props: {
  configuration: Configuration;
  change: (part: Partial<Configuration>) => void;
  choose: (data: string) => void;
  files: (files: FileList) => void;
}) {
  const { configuration, change } = props;
  const { loss, penalty, players } = configuration;
  return (
    <div class="settings">
      <Group title="Data">
        <Choice label="data" value={configuration.data} options={DATA} change={props.choose} />
        {configuration.data === "own" && (
          <label class="files">
            two IDX files, images and labels (or drop them on the page)
            <input type="file" multiple onChange={(event) => event.currentTarget.files && props.files(event.currentTarget.files)} />
          </label>
        )}
        <Tick label="both players are given the label" value={configuration.labels} change={(labels) => change({ labels })} />
        <NumberField label="numbers in z" value={configuration.latent} limits={LIMITS.latent} whole change={(latent) => change({ latent })} />
        <NumberField label="batch" value={configuration.batch} limits={LIMITS.batch} whole change={(batch) => change({ batch })} />
        <NumberField label="seed" value={configuration.seed} limits={LIMITS.seed} whole change={(seed) => change({ seed })} />
      </Group>
      <Group title="Game">
        <Choice label="loss" value={loss} options={titles(LOSSES)} change={(loss) => change({ loss })} />
        <p class="note">{LOSSES[loss]!.paper}</p>
        <Choice label="penalty" value={penalty} options={titles(PENALTIES)} change={(penalty) => change({ penalty })} />
        {PENALTIES[penalty] && (
          <>
            <p class="note">{PENALTIES[penalty].paper}</p>
            <NumberField label="its weight" value={configuration.weight} limits={LIMITS.weight} change={(weight) => change({ weight })} />
          </>
        )}
        <NumberField label="discriminator’s steps" value={configuration.discriminatorSteps} limits={LIMITS.steps} whole change={(discriminatorSteps) => change({ discriminatorSteps })} />
        <NumberField label="generator’s steps" value={configuration.generatorSteps} limits={LIMITS.steps} whole change={(generatorSteps) => change({ generatorSteps })} />
        <NumberField label="decay of the drawn average" value={configuration.average} limits={LIMITS.average} change={(average) => change({ average })} />
      </Group>
      <Optimiser title="Generator’s optimiser" player={players.generator} change={(generator) => change({ players: { ...players, generator } })} />
      <Optimiser title="Discriminator’s optimiser" player={players.discriminator} change={(discriminator) => change({ players: { ...players, discriminator } })} />
    </div>
  );
}

function Optimiser(props: { title: string; player: Player; change: (player: Player) => void }) {
  const { title, player, change } = props;
  const put = (part: Partial<Player>) => change({ ...player, ...part });
  return (
    <Group title={title}>
      <Choice label="rule" value={player.optimiser} options={titles(OPTIMISERS)} change={(optimiser) => put({ optimiser })} />
      <NumberField label="rate" value={player.rate} limits={[0, 10]} change={(rate) => put({ rate })} />
      {OPTIMISERS[player.optimiser]!.beta1 && (
        <NumberField label="β1" value={player.beta1} limits={[0, 0.9999]} change={(beta1) => put({ beta1 })} />
      )}
      {OPTIMISERS[player.optimiser]!.scales && (
        <NumberField label="β2" value={player.beta2} limits={[0, 0.99999]} change={(beta2) => put({ beta2 })} />
      )}
    </Group>
  );
}
