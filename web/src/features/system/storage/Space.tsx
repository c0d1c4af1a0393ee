import { Trans, useLingui } from "@lingui/react/macro";
import { Progress } from "@mantine/core";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Bytes } from "../../../ui/Bytes";
import { Section } from "../../../ui/Page";
import { useInfo } from "../health/queries";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { Largest } from "./Largest";
import { useStatistics, useVolumes } from "./queries";

/** How full the store is, and which projects take most of it. */
export function Space() {
  const { t } = useLingui();
  const volumes = useVolumes();
  return (
    <Section
      title={t`Space`}
      actions={<ButtonLink to="/admin/quotas">{t`Quotas of all projects`}</ButtonLink>}
    >
      <Shown query={volumes} what={t`How much room there is can't be shown.`} rows={2}>
        {({ storage }) => {
          const { total = 0, free = 0 } = storage[0] ?? {};
          return <Volume total={total} free={free} />;
        }}
      </Shown>
      <Largest />
    </Section>
  );
}

function Volume({ total, free }: { total: number; free: number }) {
  const { t } = useLingui();
  const info = useInfo();
  const statistics = useStatistics();
  const percent = total > 0 ? Math.round(((total - free) / total) * 100) : 0;
  return (
    <>
      {total > 0 && (
        <Progress
          value={percent}
          color={percent > 95 ? "red" : "teal"}
          aria-label={t`How full the volume is`}
        />
      )}
      {percent > 95 && (
        <p className={classes.warning}>
          <Trans>
            Less than a 20th of the volume is free. What was deleted longest ago is taken away
            before its time; make room, or have a larger volume.
          </Trans>
        </p>
      )}
      <Facts>
        <Fact name={t`Kept in`}>{info.data?.registry_storage_provider_name ?? "–"}</Fact>
        {total > 0 ? (
          <Fact name={t`Volume`}>
            <Trans>
              <Bytes value={free} /> free of <Bytes value={total} />
            </Trans>
          </Fact>
        ) : (
          <Fact name={t`Volume`}>
            <Trans>has no end that Haven knows of</Trans>
          </Fact>
        )}
        <Fact name={t`All projects hold`}>
          <Bytes value={statistics.data?.total_storage_consumption ?? 0} />
        </Fact>
      </Facts>
    </>
  );
}
