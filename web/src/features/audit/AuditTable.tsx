import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../ui/DataTable";
import { formatExact } from "../../ui/format";
import { When } from "../../ui/When";
import { usePreferences } from "../preferences/preferences";
import classes from "./audit.module.css";
import type { AuditRow } from "./queries";
import { useDeed } from "./words";

interface Props {
  rows: AuditRow[];
  /** The number of the row whose details are shown. */
  open: string;
  onOpen: (row: string) => void;
}

/** Rows of the log, and below one of them all that is known of it. */
export function AuditTable({ rows, open, onOpen }: Props) {
  const { t } = useLingui();
  const deed = useDeed();
  const columns: Column<AuditRow>[] = [
    {
      key: "who",
      title: t`Who`,
      names: true,
      cell: (row) => row.username || t`nobody`,
    },
    {
      key: "what",
      title: t`Did`,
      cell: (row) => deed(row.operation ?? "", row.resource_type ?? ""),
    },
    { key: "on", title: t`Resource`, cell: (row) => <Resource row={row} /> },
    {
      key: "result",
      title: t`Result`,
      cell: (row) =>
        row.operation_result ? (
          <Trans>Done</Trans>
        ) : (
          <span className={classes.refused}>
            <Trans>Refused</Trans>
          </span>
        ),
    },
    { key: "when", title: t`When`, number: true, cell: (row) => <When time={row.op_time} /> },
    {
      key: "more",
      title: t`Details`,
      cell: (row) => {
        const id = String(row.id);
        const shown = open === id;
        return (
          <Button
            size="xs"
            variant="subtle"
            className={classes.show ?? ""}
            aria-expanded={shown}
            aria-label={shown ? t`Hide details of entry ${id}` : t`Show details of entry ${id}`}
            onClick={() => onOpen(shown ? "" : id)}
          >
            {shown ? <Trans>Hide</Trans> : <Trans>Show</Trans>}
          </Button>
        );
      },
    },
  ];
  return (
    <DataTable
      caption={t`Log`}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.id)}
      below={(row) => String(row.id) === open && <Detail row={row} />}
    />
  );
}

/** A digest in a name is shortened in the middle; the whole is on hover, and in the details. */
function Resource({ row }: { row: AuditRow }) {
  const text = row.resource || "–";
  const short = text.replace(/(sha256:[0-9a-f]{6})[0-9a-f]+([0-9a-f]{4})/, "$1…$2");
  return <span title={text}>{short}</span>;
}

function Detail({ row }: { row: AuditRow }) {
  const { t } = useLingui();
  const { language, utc } = usePreferences();
  const facts: [string, string | undefined][] = [
    [t`Time`, row.op_time && formatExact(new Date(row.op_time), language, utc)],
    [t`Entry`, String(row.id)],
    [t`Resource`, row.resource],
    [t`Description`, row.operation_description],
    [t`Address`, row.client_ip],
    [t`Request id`, row.request_id],
  ];
  return (
    <dl className={classes.detail}>
      {facts
        .filter(([, value]) => value)
        .map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
