import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../ui/DataTable";
import { shortDigest } from "../../ui/format";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { type Change, type Preview, usePreview } from "./queries";
import classes from "./replication.module.css";

/** What a policy would do if it were carried out now. */
export function PreviewTable({ policy }: { policy: number }) {
  const { t } = useLingui();
  const preview = usePreview(policy);
  return (
    <Section
      title={t`What it would do now`}
      actions={
        <Button variant="default" loading={preview.isFetching} onClick={() => preview.refetch()}>
          <Trans>Compare again</Trans>
        </Button>
      }
    >
      {preview.isPending && (
        <>
          <p>
            <Trans>Both sides are compared; nothing is done.</Trans>
          </p>
          <Loading rows={3} />
        </>
      )}
      {preview.isError && (
        <Failed
          what={t`The two sides can't be compared.`}
          error={preview.error}
          retry={() => preview.refetch()}
        />
      )}
      {preview.data && <Result preview={preview.data} />}
    </Section>
  );
}

function Result({ preview }: { preview: Preview }) {
  const { t } = useLingui();
  const actions = useActionWords();
  const { repositories, unchanged, changes, more } = preview;
  const count = changes.length;
  const columns: Column<Change>[] = [
    { key: "do", title: t`It would`, cell: (change) => actions[change.action] ?? change.action },
    {
      key: "what",
      title: t`Image`,
      names: true,
      cell: (change) => `${change.source}${pointer(change)}`,
    },
    { key: "to", title: t`At the destination`, cell: (change) => change.destination },
    { key: "why", title: t`Why`, cell: (change) => change.why },
  ];
  return (
    <>
      <p className={classes.summary}>
        <span>{t`Repositories compared: ${repositories}`}</span>
        <span>{t`As they should be: ${unchanged}`}</span>
        <span>{more ? t`To be done: more than ${count}` : t`To be done: ${count}`}</span>
      </p>
      {count === 0 && <Empty title={t`There is nothing to do: both sides are alike.`} />}
      {count > 0 && (
        <DataTable
          caption={t`What it would do now`}
          columns={columns}
          rows={changes}
          rowKey={(change) => `${change.action} ${change.source} ${change.tag} ${change.digest}`}
        />
      )}
    </>
  );
}

function pointer({ tag, digest }: Change): string {
  if (tag) return `:${tag}`;
  return digest ? `@${shortDigest(digest)}` : "";
}

function useActionWords(): Record<string, string> {
  const { t } = useLingui();
  return { copy: t`copy`, delete: t`delete`, skip: t`leave alone` };
}
