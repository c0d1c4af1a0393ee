import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Status } from "../../ui/Status";
import { When } from "../../ui/When";
import type { Policy, Run } from "./queries";
import { useRegistryName } from "./RegistryName";
import { useTriggerWords } from "./trigger";

/** The policies with what became of their last runs. */
export function PolicyTable({ policies, runs }: { policies: Policy[]; runs: Map<number, Run> }) {
  const { t } = useLingui();
  const name = useRegistryName();
  const trigger = useTriggerWords();
  const columns: Column<Policy>[] = [
    {
      key: "name",
      title: t`Policy`,
      names: true,
      cell: (policy) => (
        <>
          <Link to="/replication/$policy" params={{ policy: String(policy.id) }}>
            {policy.name}
          </Link>
          {!policy.enabled && (
            <>
              {" "}
              <small>
                <Trans>disabled</Trans>
              </small>
            </>
          )}
        </>
      ),
    },
    { key: "from", title: t`From`, cell: (policy) => name(policy.src_registry) },
    { key: "to", title: t`To`, cell: (policy) => name(policy.dest_registry) },
    { key: "when", title: t`When`, cell: (policy) => trigger(policy) },
    {
      key: "last",
      title: t`Last run`,
      cell: (policy) => <LastRun run={runs.get(policy.id ?? 0)} />,
    },
    {
      key: "ran",
      title: t`Ran`,
      number: true,
      cell: (policy) => <When time={runs.get(policy.id ?? 0)?.start_time} />,
    },
  ];
  return (
    <DataTable
      caption={t`Policies`}
      columns={columns}
      rows={policies}
      rowKey={(policy) => String(policy.id)}
    />
  );
}

function LastRun({ run }: { run: Run | undefined }) {
  if (!run) return <Trans>none yet</Trans>;
  return (
    <Link
      to="/replication/$policy/runs/$run"
      params={{ policy: String(run.policy_id), run: String(run.id) }}
    >
      <Status of={run.status} />
    </Link>
  );
}
