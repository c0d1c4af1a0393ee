import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "../../api/client";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { type Column, DataTable } from "../../ui/DataTable";
import { Duration } from "../../ui/Duration";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import classes from "./jobs.module.css";
import { KindName, useKindName } from "./KindName";
import { commonKinds } from "./kinds";
import { LatencyBars } from "./LatencyBars";
import { useQueueAction, useQueues } from "./queries";

type Queue = Schema["JobQueue"];

/** What waits, by kind, how long the first has waited, and how to hold it up. */
export function Queues() {
  const { t } = useLingui();
  const queues = useQueues();
  const [all, setAll] = useState(false);
  const every = (queues.data ?? []).filter((queue) => queue.job_type !== "SCHEDULER");
  const rows = all ? every : every.filter(isTelling);
  const columns = useColumns();
  return (
    <Section
      title={t`Queues`}
      actions={
        <Button size="xs" variant="default" aria-pressed={all} onClick={() => setAll(!all)}>
          {all ? <Trans>Show common queues</Trans> : <Trans>Show all queues</Trans>}
        </Button>
      }
    >
      {queues.isPending && <Loading />}
      {queues.isError && (
        <Failed
          what={t`The queues can't be shown.`}
          error={queues.error}
          retry={() => queues.refetch()}
        />
      )}
      {queues.data && rows.length === 0 && <Empty title={t`There are no queues.`} />}
      {rows.length > 0 && (
        <>
          <LatencyBars queues={rows} />
          <DataTable
            caption={t`Queues`}
            columns={columns}
            rows={rows}
            rowKey={(queue) => queue.job_type ?? ""}
          />
        </>
      )}
    </Section>
  );
}

/** Whether somebody waits in a queue, or it is one that people know. */
function isTelling(queue: Queue): boolean {
  const common: readonly string[] = commonKinds;
  return (queue.count ?? 0) > 0 || queue.paused || common.includes(queue.job_type ?? "");
}

function useColumns(): Column<Queue>[] {
  const { t } = useLingui();
  return [
    {
      key: "kind",
      title: t`Kind`,
      names: true,
      cell: (queue) => <KindName kind={queue.job_type} />,
    },
    { key: "count", title: t`Waiting`, number: true, cell: (queue) => queue.count ?? 0 },
    {
      key: "latency",
      title: t`The first waits for`,
      number: true,
      cell: (queue) => (queue.count ? <Duration seconds={queue.latency ?? 0} /> : "–"),
    },
    {
      key: "state",
      title: t`State`,
      cell: (queue) => (queue.paused ? t`paused` : t`goes on`),
    },
    { key: "do", title: t`Actions`, cell: (queue) => <QueueActions queue={queue} /> },
  ];
}

function QueueActions({ queue }: { queue: Queue }) {
  const { t } = useLingui();
  const act = useQueueAction();
  const [asks, setAsks] = useState(false);
  const kind = queue.job_type ?? "";
  const name = useKindName()(kind);
  const waiting = queue.count ?? 0;
  return (
    <div className={classes.actions}>
      <Button
        size="xs"
        variant="default"
        loading={act.isPending && !asks}
        aria-label={queue.paused ? t`Resume ${name}` : t`Pause ${name}`}
        onClick={() => act.mutate({ kind, action: queue.paused ? "resume" : "pause" })}
      >
        {queue.paused ? <Trans>Resume</Trans> : <Trans>Pause</Trans>}
      </Button>
      {waiting > 0 && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Empty the queue ${name}`}
          onClick={() => setAsks(true)}
        >
          <Trans>Empty</Trans>
        </Button>
      )}
      <ConfirmDialog
        opened={asks}
        title={t`Empty the queue`}
        action={t`Stop what waits`}
        busy={act.isPending}
        error={act.error}
        failed={t`The queue was not emptied.`}
        onClose={() => setAsks(false)}
        onConfirm={() => act.mutate({ kind, action: "stop" }, { onSuccess: () => setAsks(false) })}
      >
        <p>
          <Trans>
            {waiting} tasks of the kind “{name}” that wait are stopped. Those that run go on.
          </Trans>
        </p>
      </ConfirmDialog>
    </div>
  );
}
