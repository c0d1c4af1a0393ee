import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { useRepositories } from "../repositories/queries";
import { FateTable } from "./FateTable";
import { type Previewed, usePreviews } from "./preview";
import { RepositoryPicker, useChosen } from "./RepositoryPicker";
import classes from "./retention.module.css";
import type { Rule } from "./rule";

interface Props {
  project: string;
  /** The rules as they stand in the form, and those of the default policy that hold besides. */
  rules: Rule[];
}

/** What the rules would do now, while they are written. */
export function PreviewSection({ project, rules }: Props) {
  const { t } = useLingui();
  const repositories = useRepositories(project, { q: "", page: 1 });
  return (
    <Section title={t`What would go now`}>
      {repositories.isPending && <Loading rows={3} />}
      {repositories.isError && (
        <Failed
          what={t`The repositories can't be listed.`}
          error={repositories.error}
          retry={() => repositories.refetch()}
        />
      )}
      {repositories.data?.total === 0 && (
        <Empty title={t`The project has no repositories yet.`}>
          <p>
            <Trans>Once something is pushed, you see here what the rules would make of it.</Trans>
          </p>
        </Empty>
      )}
      {repositories.data && repositories.data.total > 0 && (
        <Previews project={project} rules={rules} />
      )}
    </Section>
  );
}

function Previews({ project, rules }: Props) {
  const [picked, setPicked] = useState<string[]>();
  const chosen = useChosen(project, picked);
  const previews = usePreviews(project, chosen, rules);
  const failed = previews.find((each) => each.error);
  return (
    <>
      <RepositoryPicker project={project} chosen={chosen} onChange={setPicked} />
      {failed ? <NoPreview failed={failed} /> : <Outcome previews={previews} rules={rules} />}
    </>
  );
}

function NoPreview({ failed }: { failed: Previewed }) {
  const { t } = useLingui();
  const { repository } = failed;
  return (
    <Failed
      what={t`What the rules would do in ${repository} can't be shown.`}
      error={failed.error}
      retry={failed.retry}
    />
  );
}

function Outcome({ previews, rules }: { previews: Previewed[]; rules: Rule[] }) {
  const { t } = useLingui();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set<string>());
  const toggle = (name: string) => {
    const next = new Set(open);
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  const columns = useColumns(open, toggle);
  if (previews.length === 0) return null;
  const only = previews.length === 1;
  return (
    <>
      <Sum previews={previews} />
      <div className={previews.some((each) => each.stale) ? classes.stale : undefined}>
        <DataTable
          caption={t`What would become of the repositories`}
          columns={columns}
          rows={previews}
          rowKey={(each) => each.repository}
          below={({ repository, preview }) =>
            preview &&
            (only || open.has(repository)) && (
              <FateTable
                repository={repository}
                fates={preview.artifacts}
                rules={rules}
                uncovered={!preview.covered}
              />
            )
          }
        />
      </div>
    </>
  );
}

/** All of it in a sentence, said aloud when it changes. */
function Sum({ previews }: { previews: Previewed[] }) {
  if (previews.some((each) => !each.preview)) return <Loading rows={2} />;
  const total = previews.reduce((sum, each) => sum + (each.preview?.total ?? 0), 0);
  const retained = previews.reduce((sum, each) => sum + (each.preview?.retained ?? 0), 0);
  const goes = total - retained;
  return (
    <p role="status">
      {goes > 0 ? (
        <Trans>
          Of {total} artifacts here <strong className={classes.goes}>{goes} would go</strong>, and{" "}
          {retained} stay.
        </Trans>
      ) : (
        <Trans>All {total} artifacts here would stay.</Trans>
      )}
    </p>
  );
}

function useColumns(
  open: ReadonlySet<string>,
  toggle: (name: string) => void,
): Column<Previewed>[] {
  const { t } = useLingui();
  return [
    { key: "name", title: t`Repository`, names: true, cell: (each) => each.repository },
    {
      key: "goes",
      title: t`Would go`,
      number: true,
      cell: ({ preview }) => preview && preview.total - preview.retained,
    },
    { key: "stays", title: t`Stay`, number: true, cell: ({ preview }) => preview?.retained },
    {
      key: "rule",
      title: t`Rules`,
      cell: ({ preview }) => (preview?.covered === false ? t`none is about it` : t`are about it`),
    },
    {
      key: "details",
      title: t`Artifacts`,
      cell: ({ repository }) => (
        <Button
          size="xs"
          variant="default"
          aria-expanded={open.has(repository)}
          aria-label={t`Artifacts of ${repository}`}
          onClick={() => toggle(repository)}
        >
          {open.has(repository) ? t`Hide` : t`Show`}
        </Button>
      ),
    },
  ];
}
