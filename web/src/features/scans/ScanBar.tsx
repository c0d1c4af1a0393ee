import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconRadar } from "@tabler/icons-react";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { plain } from "../../ui/plain";
import { isUnderWay, Status } from "../../ui/Status";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { useScan, useStopScan } from "../artifacts/mutations";
import type { PlaceProps } from "../artifacts/place";
import { type Artifact, overviewOf } from "../artifacts/queries";
import type { May } from "../session/may";
import { useScanLog } from "./queries";
import classes from "./scans.module.css";

interface Props extends PlaceProps {
  artifact: Artifact;
  may: May;
}

/** How far the last scan is, its log, and the buttons that begin and end one. */
export function ScanBar({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const place = { project, repository };
  const digest = artifact.digest ?? "";
  const scan = useScan(place);
  const stop = useStopScan(place);
  const [log, setLog] = useState(false);
  const overview = overviewOf(artifact);
  const live = isUnderWay(overview?.scan_status);
  return (
    <div className={classes.bar}>
      {overview && (
        <span className={classes.state}>
          <Status of={overview.scan_status} />
          {!live && <When time={overview.end_time} />}
        </span>
      )}
      {overview?.report_id && (
        <Button size="xs" variant="default" onClick={() => setLog(true)}>
          <Trans>Show log</Trans>
        </Button>
      )}
      {live && may("scan", "stop") && (
        <Button
          size="xs"
          variant="default"
          loading={stop.isPending}
          onClick={() => stop.mutate(digest)}
        >
          <Trans>Stop scan</Trans>
        </Button>
      )}
      {!live && may("scan", "create") && (
        <Button
          size="xs"
          leftSection={<IconRadar size={16} aria-hidden />}
          loading={scan.isPending}
          onClick={() => scan.mutate([digest])}
        >
          {overview ? <Trans>Scan again</Trans> : <Trans>Scan now</Trans>}
        </Button>
      )}
      {scan.isError && <Failed what={t`The scan was not begun.`} error={scan.error} />}
      {stop.isError && <Failed what={t`The scan was not stopped.`} error={stop.error} />}
      <Dialog title={t`Log of the scan`} opened={log} onClose={() => setLog(false)}>
        <Log {...place} digest={digest} report={overview?.report_id ?? ""} live={live} />
      </Dialog>
    </div>
  );
}

interface LogProps extends PlaceProps {
  digest: string;
  report: string;
  live: boolean;
}

function Log({ project, repository, digest, report, live }: LogProps) {
  const { t } = useLingui();
  const log = useScanLog({ project, repository }, digest, report, live);
  if (log.isPending) return <Loading rows={3} />;
  if (log.isError) return <Failed what={t`The log can't be shown.`} error={log.error} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls by keyboard too
    <pre className={classes.log} tabIndex={0}>
      {plain(log.data || t`Nothing was written yet.`)}
    </pre>
  );
}
