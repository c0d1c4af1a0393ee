import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { ordered } from "./order";
import type { SpaceOfRepository } from "./queries";
import classes from "./quota.module.css";

interface Props {
  project: string;
  rows: SpaceOfRepository[];
}

/** What each repository takes, and what of it would come back. */
export function SpaceTable({ project, rows }: Props) {
  const { t } = useLingui();
  const [sort, setSort] = useState("-only_here");
  const sized = (
    key: "total" | "only_here" | "shared" | "waiting",
    title: string,
  ): Column<SpaceOfRepository> => ({
    key,
    title,
    number: true,
    sort: key,
    cell: (row) => <Bytes value={row[key]} />,
  });
  const columns: Column<SpaceOfRepository>[] = [
    {
      key: "name",
      title: t`Repository`,
      names: true,
      sort: "name",
      cell: (row) => (
        <Link to="/p/$project/r/$" params={{ project, _splat: row.name }}>
          {row.name}
        </Link>
      ),
    },
    {
      key: "artifacts",
      title: t`Artifacts`,
      number: true,
      sort: "artifacts",
      cell: (row) => row.artifacts,
    },
    sized("total", t`All`),
    sized("only_here", t`Only here`),
    sized("shared", t`Shared`),
    sized("waiting", t`Waiting`),
    {
      key: "untagged",
      title: t`Untagged`,
      number: true,
      sort: "untagged",
      cell: (row) => <Untagged row={row} />,
    },
  ];
  return (
    <DataTable
      caption={t`What takes the space`}
      columns={columns}
      rows={ordered(rows, sort)}
      rowKey={(row) => row.name}
      sort={sort}
      onSort={setSort}
    />
  );
}

/** What comes back when artifacts without a tag are deleted, and how many there are. */
function Untagged({ row }: { row: SpaceOfRepository }) {
  if (row.untagged_artifacts === 0) return "–";
  return (
    <span>
      {row.untagged_partial && <Trans>more than</Trans>} <Bytes value={row.untagged} />{" "}
      <span className={classes.dim}>({row.untagged_artifacts})</span>
    </span>
  );
}
