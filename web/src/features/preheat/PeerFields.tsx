import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import { clustersOf, type Draft } from "./draft";

interface Props {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

/** Which peers of a Dragonfly fetch an image. */
export function PeerFields({ draft, change }: Props) {
  const { t } = useLingui();
  return (
    <Fields>
      <NativeSelect
        label={t`Which peers`}
        data={[
          { value: "", label: t`As the instance sees fit` },
          { value: "single_seed_peer", label: t`One seed peer` },
          { value: "all_seed_peers", label: t`All seed peers` },
          { value: "all_peers", label: t`All peers` },
        ]}
        value={draft.scope === "single_peer" ? "single_seed_peer" : draft.scope}
        onChange={(event) => change({ scope: event.currentTarget.value })}
      />
      <TextInput
        label={t`Clusters`}
        description={t`Their numbers, commas between them. Empty for all.`}
        value={draft.clusters}
        error={clustersOf(draft.clusters) === undefined && t`Numbers with commas between them.`}
        onChange={(event) => change({ clusters: event.currentTarget.value })}
      />
    </Fields>
  );
}
