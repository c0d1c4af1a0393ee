import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { useWord } from "../audit/words";
import classes from "./logs.module.css";
import type { Entry } from "./queries";
import { operations, types } from "./words";

export function LogTable({ entries }: { entries: Entry[] }) {
  const { t } = useLingui();
  const word = useWord();
  const columns: Column<Entry>[] = [
    { key: "time", title: t`When`, cell: (entry) => <When time={entry.op_time} /> },
    { key: "user", title: t`User`, cell: (entry) => entry.username },
    {
      key: "operation",
      title: t`Operation`,
      cell: (entry) => (
        <span title={entry.operation_description}>
          {word(entry.operation ?? "", operations)}
          {!entry.operation_result && (
            <span className={classes.failed}>
              {" "}
              <Trans>(failed)</Trans>
            </span>
          )}
        </span>
      ),
    },
    { key: "type", title: t`Of what`, cell: (entry) => word(entry.resource_type ?? "", types) },
    {
      key: "resource",
      title: t`Resource`,
      cell: (entry) => <span className={classes.resource}>{entry.resource}</span>,
    },
    {
      key: "client",
      title: t`Address`,
      cell: (entry) => <span title={entry.request_id}>{entry.client_ip || "–"}</span>,
    },
  ];
  return (
    <DataTable
      caption={t`Log`}
      columns={columns}
      rows={entries}
      rowKey={(entry) => String(entry.id)}
    />
  );
}
