import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Progress } from "@mantine/core";
import { Section } from "../../../ui/Page";
import { Failed } from "../../../ui/states";
import { useNumber } from "../../../ui/useNumber";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { useScanAll, useScanNow, useStopScan } from "./queries";
import { ScanSchedule } from "./ScanSchedule";

/** The scan of everything: how far it is, now or by a schedule. */
export function ScanAll() {
  const { t } = useLingui();
  const metrics = useScanAll();
  const begin = useScanNow();
  const stop = useStopScan();
  const ongoing = metrics.data?.ongoing ?? false;
  return (
    <Section
      title={t`Scan everything`}
      actions={
        ongoing ? (
          <Button variant="default" loading={stop.isPending} onClick={() => stop.mutate()}>
            <Trans>Stop the scan</Trans>
          </Button>
        ) : (
          <Button loading={begin.isPending} onClick={() => begin.mutate()}>
            <Trans>Scan all images now</Trans>
          </Button>
        )
      }
    >
      <p className={classes.prose}>
        <Trans>
          A new edition of the database judges known images anew by itself. A scan of everything is
          for images that were never scanned, and for other scanners.
        </Trans>
      </p>
      {begin.isError && <Failed what={t`The scan did not begin.`} error={begin.error} />}
      {stop.isError && <Failed what={t`The scan goes on.`} error={stop.error} />}
      <Shown query={metrics} what={t`How far the scan is can't be shown.`} rows={2}>
        {(data) => <Metrics {...data} />}
      </Shown>
      <ScanSchedule />
    </Section>
  );
}

interface Stats {
  total: number;
  completed: number;
  ongoing: boolean;
  metrics?: Record<string, number>;
}

function Metrics({ ongoing, metrics = {}, ...stats }: Stats) {
  const { t } = useLingui();
  const number = useNumber();
  const total = number(stats.total);
  const completed = number(stats.completed);
  if (stats.total === 0 && !ongoing)
    return (
      <p>
        <Trans>The last scan of everything had nothing to look at, or there was none yet.</Trans>
      </p>
    );
  const words: Record<string, string> = {
    Success: t`done`,
    Error: t`failed`,
    Running: t`running`,
    Pending: t`waiting`,
    Scheduled: t`waiting for another try`,
    Stopped: t`stopped`,
  };
  const parts = Object.entries(metrics)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${number(count)} ${words[state] ?? state}`);
  return (
    <div className={classes.stack} role="status">
      <Progress
        value={stats.total > 0 ? (stats.completed / stats.total) * 100 : 0}
        animated={ongoing}
        aria-label={t`Images looked at`}
      />
      <p>
        <Trans>
          {completed} of {total} images
        </Trans>
        {parts.length > 0 && `: ${parts.join(", ")}`}
      </p>
    </div>
  );
}
