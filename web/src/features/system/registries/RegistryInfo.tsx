import { Trans, useLingui } from "@lingui/react/macro";
import { Fact, Facts } from "../parts/Facts";
import { Shown } from "../parts/Shown";
import { useRegistryInfo } from "./queries";

/** What can be done with a registry: how images are chosen, and what begins a copy. */
export function RegistryInfo({ id }: { id: number }) {
  const { t } = useLingui();
  const info = useRegistryInfo(id);
  return (
    <Shown query={info} what={t`What can be done with the registry is unknown.`} rows={2}>
      {(data) => (
        <Facts>
          {data.description && <Fact name={t`Good to know`}>{data.description}</Fact>}
          <Fact name={t`Images are chosen by`}>
            {data.supported_resource_filters.map((each) => each.type).join(", ")}
          </Fact>
          <Fact name={t`Copies begin`}>{data.supported_triggers.join(", ")}</Fact>
          <Fact name={t`Large layers in parts`}>
            {data.supported_copy_by_chunk ? <Trans>yes</Trans> : <Trans>no</Trans>}
          </Fact>
        </Facts>
      )}
    </Shown>
  );
}
