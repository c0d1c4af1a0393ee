import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import type { May } from "../session/may";
import { Guarded } from "../settings/Guarded";
import { colors } from "./color";
import { LabelForm } from "./LabelForm";
import { LabelTable } from "./LabelTable";
import classes from "./labels.module.css";
import { type Label, labelsPerPage, useLabels } from "./queries";

const route = getRouteApi("/p/$project/settings/labels");

/** What may be put on artifacts of a project. */
export function LabelsPage() {
  return (
    <Guarded resource="label" action="list">
      {(project, may) => <Labels project={project} may={may} />}
    </Guarded>
  );
}

interface Props {
  project: Project;
  may: May;
}

function Labels({ project, may }: Props) {
  const { t } = useLingui();
  const projectId = project.project_id ?? 0;
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useLabels(projectId, { q, page });
  const [edited, setEdited] = useState<Label>();
  const items = labels.data?.items ?? [];
  return (
    <Section
      title={t`Labels`}
      actions={
        <div className={classes.actions}>
          <SearchField
            label={t`Find a label`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, page: 1 }, replace: true })}
          />
          {may("label", "create") && (
            <Button onClick={() => setEdited({})}>
              <Trans>Create label</Trans>
            </Button>
          )}
        </div>
      }
    >
      {labels.isPending && <Loading />}
      {labels.isError && (
        <Failed
          what={t`The labels can't be listed.`}
          error={labels.error}
          retry={() => labels.refetch()}
        />
      )}
      {labels.data?.total === 0 && <NoLabels searched={q !== ""} />}
      {items.length > 0 && <LabelTable labels={items} may={may} onEdit={setEdited} />}
      <Pager
        page={page}
        size={labelsPerPage}
        total={labels.data?.total ?? 0}
        onPage={(next) => navigate({ search: { q, page: next } })}
      />
      <Editor projectId={projectId} label={edited} onClose={() => setEdited(undefined)} />
    </Section>
  );
}

interface EditorProps {
  projectId: number;
  /** The label that is changed, an empty one for a new one, nothing where none is. */
  label: Label | undefined;
  onClose: () => void;
}

function Editor({ projectId, label, onClose }: EditorProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const title = label?.id ? t`Edit label` : t`Create label`;
  return (
    <Dialog title={title} opened={label !== undefined} onClose={onClose}>
      <LabelForm
        projectId={projectId}
        id={label?.id}
        draft={{
          name: label?.name ?? "",
          description: label?.description ?? "",
          color: label?.color || (colors[0] ?? ""),
        }}
        onDone={(name) => {
          say(t`The label ${name} is saved.`);
          onClose();
        }}
      />
    </Dialog>
  );
}

function NoLabels({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No label has this in its name.`} />;
  return (
    <Empty title={t`This project has no labels of its own.`}>
      <p>
        <Trans>
          A label says something about an artifact that its tags don't: tested, approved, to be
          thrown away. Rules of retention and replication can go by it.
        </Trans>
      </p>
    </Empty>
  );
}
