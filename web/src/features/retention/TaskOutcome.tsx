import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../ui/DataTable";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { Name } from "./FateTable";
import { type Outcome, outcomes, retained } from "./log";
import classes from "./retention.module.css";
import { type Run, type Task, useTaskLog } from "./runs";

const most = 100;

interface Props {
  policy: number;
  run: Run;
  task: Task;
  underWay: boolean;
}

/** What became of the artifacts of a repository: those that went, and those that no rule keeps and that stay. */
export function TaskOutcome({ policy, run, task, underWay }: Props) {
  const { t } = useLingui();
  const log = useTaskLog(policy, run.id ?? 0, task.id ?? 0, underWay);
  const columns = useColumns(run.dry_run);
  if (log.isPending) return <Loading rows={2} />;
  if (log.isError) {
    return (
      <Failed what={t`The log can't be shown.`} error={log.error} retry={() => log.refetch()} />
    );
  }
  const rows = outcomes(log.data);
  const more = rows.length - most;
  return (
    <div className={classes.fate}>
      <ul className={classes.facts}>
        {retained(log.data).map(({ place, count }) => (
          <li key={place}>
            <Trans>
              Rule {place + 1} keeps {count}.
            </Trans>
          </li>
        ))}
      </ul>
      {rows.length === 0 && !underWay && (
        <p>
          <Trans>Rules keep everything that is here.</Trans>
        </p>
      )}
      {rows.length > 0 && (
        <DataTable
          caption={t`What became of the artifacts of ${task.repository ?? ""}`}
          columns={columns}
          rows={rows.slice(0, most)}
          rowKey={(row) => row.digest}
        />
      )}
      {more > 0 && (
        <p className={classes.facts}>
          <Trans>And {more} more, which the log below tells of.</Trans>
        </p>
      )}
      <details className={classes.help}>
        <summary>
          <Trans>Log</Trans>
        </summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls by keyboard too */}
        <pre className={classes.log} tabIndex={0}>
          {log.data}
        </pre>
      </details>
    </div>
  );
}

function useColumns(dry: boolean): Column<Outcome>[] {
  const { t } = useLingui();
  const words = {
    deleted: dry ? t`Would go` : t`Deleted`,
    stays: t`Stays`,
    gone: t`Was gone already`,
  };
  return [
    { key: "name", title: t`Artifact`, names: true, cell: (row) => <Name {...row} /> },
    { key: "pushed", title: t`Pushed`, cell: (row) => <When time={row.pushed} /> },
    { key: "used", title: t`Pulled`, cell: (row) => <When time={row.used} /> },
    {
      key: "what",
      title: t`What became of it`,
      cell: ({ what, why }) => (
        <span>
          <span className={what === "stays" ? classes.stays : classes.goes}>{words[what]}</span>
          <span className={classes.why}>
            {" – "}
            {what === "stays" ? why : t`no rule keeps it`}
          </span>
        </span>
      ),
    },
  ];
}
