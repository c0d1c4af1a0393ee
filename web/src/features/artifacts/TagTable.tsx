import { Trans, useLingui } from "@lingui/react/macro";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { DataTable } from "../../ui/DataTable";
import type { May } from "../session/may";
import { artifactSplat } from "./address";
import { BulkBar } from "./BulkBar";
import { PlatformList } from "./PlatformList";
import type { PlaceProps } from "./place";
import { rowKey, type TagRow } from "./rows";
import { useTagColumns } from "./tagColumns";

interface Props extends PlaceProps {
  projectId: number | undefined;
  rows: TagRow[];
  sort: string;
  onSort: (sort: string) => void;
  may: May;
}

/** Tags with what they name; the chosen ones with what can be done with them. */
export function TagTable({ project, repository, projectId, rows, sort, onSort, may }: Props) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const place = { project, repository };
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  const columns = useTagColumns(place, { open, toggle });
  const picked = rows.filter((row) => chosen.has(rowKey(row)));
  return (
    <>
      <DataTable
        caption={t`Tags of ${repository}`}
        columns={columns}
        rows={rows}
        rowKey={rowKey}
        sort={sort}
        onSort={onSort}
        selection={{
          chosen,
          onChange: setChosen,
          label: (row) => t`Choose ${row.tag?.name ?? row.artifact.digest ?? ""}`,
        }}
        onOpen={(row) =>
          navigate({
            to: "/p/$project/r/$",
            params: { project, _splat: artifactSplat(repository, row.artifact.digest ?? "") },
            search: row.tag?.name ? { tag: row.tag.name } : {},
          })
        }
        below={(row) =>
          open.has(rowKey(row)) && <PlatformList {...place} artifact={row.artifact} />
        }
      />
      <p className="visually-hidden">
        <Trans>Arrows move through the rows, Enter opens one, Space chooses it.</Trans>
      </p>
      <BulkBar
        {...place}
        projectId={projectId}
        rows={picked}
        may={may}
        onDone={() => setChosen(new Set())}
      />
    </>
  );
}
