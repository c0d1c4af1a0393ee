import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Failed } from "../../../ui/states";
import classes from "../parts/parts.module.css";
import { Well } from "../parts/Well";
import { DeleteScanner } from "./DeleteScanner";
import { answers, isBuiltIn, type Scanner, useMakeDefault } from "./queries";
import { ScannerActions } from "./ScannerActions";
import { ScannerMetadata } from "./ScannerMetadata";

interface Props {
  rows: Scanner[];
  onEdit: (scanner: Scanner) => void;
}

export function ScannerTable({ rows, onEdit }: Props) {
  const { t } = useLingui();
  const [open, setOpen] = useState<string>();
  const [leaving, setLeaving] = useState<Scanner>();
  const choose = useMakeDefault();
  const columns: Column<Scanner>[] = [
    { key: "name", title: t`Name`, names: true, cell: (row) => <Name of={row} /> },
    {
      key: "url",
      title: t`Address`,
      cell: (row) =>
        isBuiltIn(row) ? (
          <Trans>part of Haven</Trans>
        ) : (
          <span className={classes.code}>{row.url}</span>
        ),
    },
    { key: "auth", title: t`Knows Haven by`, cell: (row) => row.auth || <Trans>nothing</Trans> },
    { key: "state", title: t`State`, cell: (row) => <Well well={answers(row)} /> },
    {
      key: "do",
      title: t`Actions`,
      cell: (row) => (
        <ScannerActions
          scanner={row}
          open={open === row.uuid}
          onInfo={() => setOpen(open === row.uuid ? undefined : row.uuid)}
          onDefault={() => choose.mutate(row.uuid)}
          onEdit={() => onEdit(row)}
          onDelete={() => setLeaving(row)}
        />
      ),
    },
  ];
  return (
    <>
      {choose.isError && <Failed what={t`The default stays as it was.`} error={choose.error} />}
      <DataTable
        caption={t`Scanners`}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.uuid}
        below={(row) => (open === row.uuid ? <ScannerMetadata id={row.uuid} /> : null)}
      />
      <DeleteScanner scanner={leaving} onClose={() => setLeaving(undefined)} />
    </>
  );
}

function Name({ of }: { of: Scanner }) {
  return (
    <span>
      {of.name}
      {of.is_default && (
        <span className={classes.small}>
          {" "}
          · <Trans>default</Trans>
        </span>
      )}
      {of.disabled && (
        <span className={classes.small}>
          {" "}
          · <Trans>switched off</Trans>
        </span>
      )}
    </span>
  );
}
