import { useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { asProblem } from "../../api/problem";
import { useNumber } from "../../ui/useNumber";
import classes from "./audit.module.css";
import type { AuditFilter } from "./filter";
import { type FileKind, mostRows, useAuditFile } from "./queries";

/** Saves what is filtered as a file. */
export function AuditFile({ filter, total }: { filter: AuditFilter; total: number }) {
  const { t } = useLingui();
  const number = useNumber();
  const file = useAuditFile(filter);
  const kinds: { kind: FileKind; title: string }[] = [
    { kind: "csv", title: t`Save as CSV` },
    { kind: "jsonl", title: t`Save as JSON lines` },
  ];
  const count = number(file.data ?? 0);
  const most = number(mostRows);
  const why = file.isError ? asProblem(file.error).message : "";
  return (
    <div className={classes.foot}>
      <span role="status">
        {file.isSuccess && t`${count} rows were saved.`}
        {!file.isSuccess && total > mostRows && t`A file holds the newest ${most} rows.`}
      </span>
      {why && <span role="alert">{t`Nothing was saved: ${why}`}</span>}
      {kinds.map(({ kind, title }) => (
        <Button
          key={kind}
          size="xs"
          variant="default"
          loading={file.isPending && file.variables === kind}
          onClick={() => file.mutate(kind)}
        >
          {title}
        </Button>
      ))}
    </div>
  );
}
