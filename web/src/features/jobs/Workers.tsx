import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { KindName } from "./KindName";
import { usePools, useWorkers } from "./queries";

type Pool = Schema["WorkerPool"];
type Worker = Schema["Worker"];

/** The processes that work, and what they are at. */
export function Workers() {
  const { t } = useLingui();
  const pools = usePools();
  const workers = useWorkers();
  const busy = (workers.data ?? []).filter((worker) => worker.job_name);
  const failed = pools.error ?? workers.error;
  return (
    <Section title={t`Workers`}>
      {(pools.isPending || workers.isPending) && <Loading rows={2} />}
      {failed && (
        <Failed
          what={t`The workers can't be shown.`}
          error={failed}
          retry={() => Promise.all([pools.refetch(), workers.refetch()])}
        />
      )}
      {pools.data && <Pools pools={pools.data} busy={busy} />}
      {workers.data && busy.length === 0 && <Empty title={t`Nothing runs at the moment.`} />}
      {busy.length > 0 && <Busy workers={busy} />}
    </Section>
  );
}

function Pools({ pools, busy }: { pools: Pool[]; busy: Worker[] }) {
  const { t } = useLingui();
  const columns: Column<Pool>[] = [
    {
      key: "host",
      title: t`Process`,
      names: true,
      cell: (pool) => `${pool.host ?? ""} ${pool.pid ?? ""}`,
    },
    {
      key: "busy",
      title: t`Tasks now`,
      number: true,
      cell: (pool) => busy.filter((worker) => worker.pool_id === pool.worker_pool_id).length,
    },
    { key: "room", title: t`Room for`, number: true, cell: (pool) => pool.concurrency },
    {
      key: "since",
      title: t`Started`,
      number: true,
      cell: (pool) => <When time={pool.start_at} />,
    },
    {
      key: "sign",
      title: t`Last sign of life`,
      number: true,
      cell: (pool) => <When time={pool.heartbeat_at} />,
    },
  ];
  return (
    <DataTable
      caption={t`Processes that work`}
      columns={columns}
      rows={pools}
      rowKey={(pool) => pool.worker_pool_id ?? ""}
    />
  );
}

function Busy({ workers }: { workers: Worker[] }) {
  const { t } = useLingui();
  const columns: Column<Worker>[] = [
    {
      key: "what",
      title: t`Task`,
      names: true,
      cell: (worker) => (
        <Link to="/jobs/tasks/$task" params={{ task: worker.job_id ?? "" }}>
          <KindName kind={worker.job_name} /> <Trans>task {worker.job_id}</Trans>
        </Link>
      ),
    },
    {
      key: "since",
      title: t`Runs since`,
      number: true,
      cell: (worker) => <When time={worker.start_at} />,
    },
  ];
  return (
    <DataTable
      caption={t`What runs`}
      columns={columns}
      rows={workers}
      rowKey={(worker) => `${worker.pool_id}-${worker.job_id}`}
    />
  );
}
