import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconLock } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Bytes } from "../../ui/Bytes";
import { CopyButton } from "../../ui/CopyButton";
import type { Column } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { shortDigest } from "../../ui/format";
import { When } from "../../ui/When";
import { pullCommand, thisHost } from "../repositories/commands";
import { Findings } from "../scans/Findings";
import { Seal } from "../trust/Seal";
import { artifactSplat } from "./address";
import classes from "./artifacts.module.css";
import { Labels } from "./Labels";
import type { PlaceProps } from "./place";
import { platforms, rowKey, type TagRow } from "./rows";
import { TypeName } from "./TypeName";

interface Opening {
  open: ReadonlySet<string>;
  toggle: (key: string) => void;
}

export function useTagColumns(place: PlaceProps, opening: Opening): Column<TagRow>[] {
  const { t } = useLingui();
  return [
    {
      key: "tag",
      title: t`Tag`,
      names: true,
      sort: "tags",
      cell: (row) => <Name {...place} {...opening} row={row} />,
    },
    {
      key: "digest",
      title: t`Digest`,
      width: "184px",
      cell: (row) => <Digest value={row.artifact.digest ?? ""} />,
    },
    {
      key: "type",
      title: t`Type`,
      wide: true,
      width: "116px",
      cell: (row) => <Kind row={row} />,
    },
    {
      key: "size",
      title: t`Size`,
      number: true,
      sort: "size",
      width: "88px",
      cell: (row) => <Bytes value={row.artifact.size ?? 0} />,
    },
    { key: "findings", title: t`Findings`, cell: (row) => <Findings artifact={row.artifact} /> },
    {
      key: "signed",
      title: t`Signature`,
      width: "96px",
      cell: (row) => <Seal accessories={row.artifact.accessories} />,
    },
    {
      key: "labels",
      title: t`Labels`,
      wide: true,
      cell: (row) => <Labels labels={row.artifact.labels} />,
    },
    {
      key: "pushed",
      title: t`Pushed`,
      number: true,
      sort: "push_time",
      width: "136px",
      cell: (row) => <When time={row.pushed} />,
    },
    {
      key: "pulled",
      title: t`Pulled`,
      number: true,
      sort: "pull_time",
      wide: true,
      width: "136px",
      cell: (row) => <When time={row.tag ? row.tag.pull_time : row.artifact.pull_time} />,
    },
    {
      key: "copy",
      title: t`Pull`,
      number: true,
      width: "56px",
      cell: (row) => <CopyPull {...place} row={row} />,
    },
  ];
}

type RowProps = PlaceProps & { row: TagRow };

function Name({ project, repository, row, open, toggle }: RowProps & Opening) {
  const { t } = useLingui();
  const key = rowKey(row);
  const name = row.tag?.name;
  const index = (row.artifact.references?.length ?? 0) > 0;
  const Sign = open.has(key) ? IconChevronDown : IconChevronRight;
  return (
    <span className={classes.name}>
      {index && (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-expanded={open.has(key)}
          aria-label={t`Platforms of ${name ?? shortDigest(row.artifact.digest ?? "")}`}
          onClick={() => toggle(key)}
        >
          <Sign size={16} aria-hidden />
        </ActionIcon>
      )}
      <Link
        to="/p/$project/r/$"
        params={{ project, _splat: artifactSplat(repository, row.artifact.digest ?? "") }}
        search={name ? { tag: name } : {}}
        className={name ? classes.tag : undefined}
      >
        {name ?? <Trans>untagged</Trans>}
      </Link>
      {row.tag?.immutable && (
        <span role="img" aria-label={t`immutable`} title={t`A rule keeps this tag where it is.`}>
          <IconLock size={14} aria-hidden />
        </span>
      )}
    </span>
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
