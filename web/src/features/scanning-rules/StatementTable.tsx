import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { type Column, DataTable } from "../../ui/DataTable";
import { shortDigest } from "../../ui/format";
import { useNotices } from "../../ui/Notices";
import { When } from "../../ui/When";
import { type Statement, useWithdraw } from "./queries";
import classes from "./scanning.module.css";
import { justificationWords, statusWords, type VexStatus } from "./vex";

interface Props {
  project: string;
  statements: Statement[];
  changes: boolean;
}

export function StatementTable({ project, statements, changes }: Props) {
  const { t, i18n } = useLingui();
  const [leaving, setLeaving] = useState<Statement>();
  const act: Column<Statement> = {
    key: "act",
    title: t`Actions`,
    cell: (statement) => (
      <Button
        size="xs"
        variant="default"
        aria-label={t`Withdraw the statement on ${statement.vulnerability ?? ""}`}
        onClick={() => setLeaving(statement)}
      >
        <Trans>Withdraw</Trans>
      </Button>
    ),
  };
  const columns: Column<Statement>[] = [
    {
      key: "name",
      title: t`Vulnerability`,
      names: true,
      cell: ({ vulnerability }) => vulnerability,
    },
    {
      key: "status",
      title: t`Status`,
      cell: ({ status }) => {
        const words = status && statusWords[status as VexStatus];
        return words ? i18n._(words) : status;
      },
    },
    { key: "where", title: t`Where`, cell: (statement) => <Where statement={statement} /> },
    { key: "why", title: t`Why`, cell: (statement) => <Why statement={statement} /> },
    {
      key: "by",
      title: t`By`,
      cell: ({ author, document }) => (
        <span className={classes.names}>
          {author || "–"}
          {document && ` · ${t`attached to the image`}`}
        </span>
      ),
    },
    {
      key: "until",
      title: t`Until`,
      cell: ({ expires_at }) => (expires_at ? <When time={expires_at} /> : t`always`),
    },
    ...(changes ? [act] : []),
  ];
  return (
    <>
      <DataTable
        caption={t`Statements`}
        columns={columns}
        rows={statements}
        rowKey={(statement) => String(statement.id)}
      />
      {leaving && (
        <Withdraw project={project} statement={leaving} onClose={() => setLeaving(undefined)} />
      )}
    </>
  );
}

function Where({ statement }: { statement: Statement }) {
  const { t } = useLingui();
  const { repository, digest, package: of, version } = statement;
  const parts = [
    repository || t`all repositories`,
    digest && shortDigest(digest),
    of && `${of}${version ? ` ${version}` : ""}`,
  ];
  return (
    <span className={classes.names} title={digest}>
      {parts.filter(Boolean).join(" · ")}
    </span>
  );
}

function Why({ statement }: { statement: Statement }) {
  const { i18n } = useLingui();
  const words = statement.justification && justificationWords[statement.justification];
  const said = words ? i18n._(words) : statement.justification;
  return (
    <span className={classes.names}>
      {[said, statement.reason].filter(Boolean).join(". ") || "–"}
    </span>
  );
}

interface WithdrawProps {
  project: string;
  statement: Statement;
  onClose: () => void;
}

function Withdraw({ project, statement, onClose }: WithdrawProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const withdraw = useWithdraw(project);
  const { vulnerability = "" } = statement;
  function confirm() {
    withdraw.mutate(statement.id ?? 0, {
      onSuccess: () => {
        say(t`The statement on ${vulnerability} is withdrawn.`);
        onClose();
      },
    });
  }
  return (
    <ConfirmDialog
      opened
      title={t`Withdraw statement`}
      action={t`Withdraw statement`}
      busy={withdraw.isPending}
      error={withdraw.error}
      failed={t`The statement was not withdrawn.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          {vulnerability} counts again where the statement said that it doesn't matter. Images may
          be refused because of it.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
