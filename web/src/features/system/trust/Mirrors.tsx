import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../../ui/DataTable";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { Failed } from "../../../ui/states";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { MirrorForm } from "./MirrorForm";
import { type Mirror, useAddMirror, useEndMirror, useMirrors } from "./queries";

/** Names by which clients mean a project without naming it. */
export function Mirrors() {
  const { t } = useLingui();
  const { say } = useNotices();
  const mirrors = useMirrors();
  const end = useEndMirror();
  const add = useAddMirror();
  const remove = ({ id, kind, name, project }: Mirror) =>
    end.mutate(id, {
      onSuccess: () =>
        say(t`${name} stands for no project any more.`, () =>
          add.mutateAsync({ kind, name, project }),
        ),
    });
  return (
    <Section title={t`Mirrors`}>
      <p className={classes.prose}>
        <Trans>
          containerd tells mirrors which registry it means, docker only by which name it came. Have
          such a name stand for a project, and its images are pulled as if they were there.
        </Trans>
      </p>
      {end.isError && <Failed what={t`The name still stands for it.`} error={end.error} />}
      <Shown query={mirrors} what={t`The mirrors can't be listed.`} rows={2}>
        {(data) =>
          data.length > 0 ? (
            <MirrorTable rows={data} onEnd={remove} />
          ) : (
            <p>
              <Trans>No name stands for a project yet.</Trans>
            </p>
          )
        }
      </Shown>
      <MirrorForm />
    </Section>
  );
}

function MirrorTable({ rows, onEnd }: { rows: Mirror[]; onEnd: (mirror: Mirror) => void }) {
  const { t } = useLingui();
  const columns: Column<Mirror>[] = [
    { key: "name", title: t`Name`, names: true, cell: (row) => row.name },
    {
      key: "kind",
      title: t`Is`,
      cell: (row) =>
        row.kind === "registry" ? (
          <Trans>the registry that clients mean (?ns=)</Trans>
        ) : (
          <Trans>the host by which they come</Trans>
        ),
    },
    {
      key: "project",
      title: t`Stands for`,
      cell: (row) => (
        <Link to="/p/$project" params={{ project: row.project }}>
          {row.project}
        </Link>
      ),
    },
    {
      key: "end",
      title: t`Actions`,
      cell: (row) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Remove mirror ${row.name}`}
          onClick={() => onEnd(row)}
        >
          <Trans>Remove</Trans>
        </Button>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Mirrors`}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.id)}
    />
  );
}
