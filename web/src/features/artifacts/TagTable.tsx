import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Bytes } from "../../ui/Bytes";
import { CopyButton } from "../../ui/CopyButton";
import { type Column, DataTable } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { shortDigest } from "../../ui/format";
import { When } from "../../ui/When";
import { pullCommand, thisHost } from "../repositories/commands";
import { artifactSplat } from "./address";
import classes from "./artifacts.module.css";
import type { PlaceProps } from "./place";
import { platforms, type TagRow } from "./rows";
import { TypeName } from "./TypeName";

export function TagTable({ project, repository, rows }: PlaceProps & { rows: TagRow[] }) {
  const { t } = useLingui();
  const columns: Column<TagRow>[] = [
    {
      key: "tag",
      title: t`Tag`,
      names: true,
      cell: (row) => <TagLink project={project} repository={repository} row={row} />,
    },
    {
      key: "digest",
      title: t`Digest`,
      cell: (row) => <Digest value={row.artifact.digest ?? ""} />,
    },
    { key: "type", title: t`Type`, cell: (row) => <Kind row={row} /> },
    {
      key: "size",
      title: t`Size`,
      number: true,
      cell: (row) => <Bytes value={row.artifact.size ?? 0} />,
    },
    { key: "pushed", title: t`Pushed`, number: true, cell: (row) => <When time={row.pushed} /> },
    {
      key: "pulled",
      title: t`Pulled`,
      number: true,
      cell: (row) => <When time={row.tag ? row.tag.pull_time : row.artifact.pull_time} />,
    },
    {
      key: "copy",
      title: t`Pull command`,
      number: true,
      cell: (row) => <CopyPull project={project} repository={repository} row={row} />,
    },
  ];
  return (
    <DataTable
      caption={t`Tags of ${repository}`}
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.artifact.digest} ${row.tag?.name ?? ""}`}
    />
  );
}

type RowProps = PlaceProps & { row: TagRow };

function TagLink({ project, repository, row }: RowProps) {
  const splat = artifactSplat(repository, row.artifact.digest ?? "");
  return (
    <Link
      to="/p/$project/r/$"
      params={{ project, _splat: splat }}
      search={row.tag?.name ? { tag: row.tag.name } : {}}
      className={row.tag ? classes.tag : undefined}
    >
      {row.tag?.name ?? <Trans>untagged</Trans>}
    </Link>
  );
}

function Kind({ row }: { row: TagRow }) {
  const { t } = useLingui();
  const names = platforms(row.artifact);
  const [first] = names;
  return (
    <span className={classes.kind} title={names.join(", ") || undefined}>
      <TypeName artifact={row.artifact} />
      {names.length === 1 && ` · ${first}`}
      {names.length > 1 && ` · ${t`${names.length} platforms`}`}
    </span>
  );
}

function CopyPull({ project, repository, row }: RowProps) {
  const { t } = useLingui();
  const reference = row.tag?.name ?? row.artifact.digest ?? "";
  const command = pullCommand(thisHost(), {
    repository: `${project}/${repository}`,
    reference,
    type: row.artifact.type ?? "",
  });
  return <CopyButton value={command} label={t`pull command of ${shortDigest(reference)}`} />;
}
