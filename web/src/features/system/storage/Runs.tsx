import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Pager } from "../../../ui/Pager";
import { isUnderWay, Status } from "../../../ui/Status";
import { Empty, Failed } from "../../../ui/states";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { RunLog } from "./RunLog";
import { type Run, runsPerPage, type Upkeep, useRuns, useStopRun } from "./upkeep";

interface Props {
  upkeep: Upkeep;
  caption: string;
  /** What is shown where nothing was ever done. */
  none: string;
  /** What a run did, in a few words. */
  outcome: (run: Run) => ReactNode;
}

/** What was done, the newest first, each with its log. */
export function Runs({ upkeep, caption, none, outcome }: Props) {
  const { t } = useLingui();
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<number>();
  const runs = useRuns(upkeep, page);
  const stop = useStopRun(upkeep);
  const columns: Column<Run>[] = [
    { key: "when", title: t`Begun`, names: true, cell: (run) => <When time={run.creation_time} /> },
    {
      key: "by",
      title: t`By`,
      cell: (run) =>
        run.schedule?.type === "Manual" ? <Trans>hand</Trans> : <Trans>the schedule</Trans>,
    },
    { key: "state", title: t`State`, cell: (run) => <Status of={run.job_status} /> },
    { key: "outcome", title: t`Outcome`, cell: outcome },
    {
      key: "do",
      title: t`Actions`,
      cell: (run) => (
        <div className={classes.row}>
          <Button
            size="xs"
            variant="default"
            aria-expanded={open === run.id}
            aria-label={t`Log of run ${run.id}`}
            onClick={() => setOpen(open === run.id ? undefined : run.id)}
          >
            <Trans>Log</Trans>
          </Button>
          {isUnderWay(run.job_status) && (
            <Button
              size="xs"
              variant="default"
              aria-label={t`Stop run ${run.id}`}
              onClick={() => stop.mutate(run.id ?? 0)}
            >
              <Trans>Stop</Trans>
            </Button>
          )}
        </div>
      ),
    },
  ];
  return (
    <>
      {stop.isError && <Failed what={t`The run goes on.`} error={stop.error} />}
      <Shown query={runs} what={t`The runs can't be listed.`}>
        {({ items, total }) =>
          total === 0 ? (
            <Empty title={none} />
          ) : (
            <>
              <DataTable
                caption={caption}
                columns={columns}
                rows={items}
                rowKey={(run) => String(run.id)}
                below={(run) => (open === run.id ? <RunLog upkeep={upkeep} run={run} /> : null)}
              />
              <Pager page={page} size={runsPerPage} total={total} onPage={setPage} />
            </>
          )
        }
      </Shown>
    </>
  );
}
