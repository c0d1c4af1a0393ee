import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { artifactSplat } from "./address";
import type { PlaceProps } from "./place";
import { type Artifact, type Naming, useTagHistory } from "./queries";

const route = getRouteApi("/p/$project/r/$");

interface Props extends PlaceProps {
  artifact: Artifact;
  tag: string | undefined;
}

/** What a tag named, when, and who did it. */
export function TagHistory({ project, repository, artifact, tag }: Props) {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  const place = { project, repository };
  const own = (artifact.tags ?? []).map((each) => each.name ?? "");
  const names = tag && !own.includes(tag) ? [tag, ...own] : own;
  const chosen = tag ?? names[0] ?? "";
  const history = useTagHistory(place, chosen);
  return (
    <Section
      title={t`What the tag named`}
      actions={
        names.length > 1 && (
          <NativeSelect
            aria-label={t`Tag`}
            data={names}
            value={chosen}
            onChange={(event) =>
              navigate({ search: { tag: event.currentTarget.value, tab: "history" } })
            }
          />
        )
      }
    >
      {chosen === "" && (
        <Empty title={t`No tag names this artifact.`}>
          <p>
            <Trans>Once one does, each of its changes is written down here.</Trans>
          </p>
        </Empty>
      )}
      {history.isEnabled && history.isPending && <Loading />}
      {history.isError && (
        <Failed
          what={t`The history can't be shown.`}
          error={history.error}
          retry={() => history.refetch()}
        />
      )}
      {history.data && <Namings {...place} rows={history.data} here={artifact.digest ?? ""} />}
    </Section>
  );
}

function Namings({
  project,
  repository,
  rows,
  here,
}: PlaceProps & { rows: Naming[]; here: string }) {
  const { t } = useLingui();
  const columns: Column<Naming>[] = [
    { key: "time", title: t`Since`, names: true, cell: (row) => <When time={row.time} /> },
    {
      key: "digest",
      title: t`Named`,
      cell: (row) =>
        row.digest ? <Digest value={row.digest} /> : <Trans>nothing: the tag was deleted</Trans>,
    },
    {
      key: "there",
      title: t`Artifact`,
      cell: (row) => <Where project={project} repository={repository} row={row} here={here} />,
    },
    { key: "by", title: t`By`, cell: (row) => row.by || "–" },
  ];
  if (rows.length === 0) return <Empty title={t`Nothing is known of this tag.`} />;
  return (
    <DataTable
      caption={t`What the tag named`}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.id)}
    />
  );
}

function Where({ project, repository, row, here }: PlaceProps & { row: Naming; here: string }) {
  if (!row.digest) return <>–</>;
  if (row.digest === here) return <Trans>this one</Trans>;
  if (!row.there) return <Trans>deleted</Trans>;
  return (
    <Link to="/p/$project/r/$" params={{ project, _splat: artifactSplat(repository, row.digest) }}>
      <Trans>open</Trans>
    </Link>
  );
}
