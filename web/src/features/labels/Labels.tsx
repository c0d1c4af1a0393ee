import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { ListSearch } from "../../routes/search";
import { Dialog } from "../../ui/Dialog";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { colors } from "./color";
import { LabelForm } from "./LabelForm";
import { LabelTable } from "./LabelTable";
import classes from "./labels.module.css";
import { type Label, labelsPerPage, type Scope, useLabels } from "./queries";

interface Props {
  scope: Scope;
  title: string;
  /** Whether the caller may `create`, `update` or `delete` them. */
  may: (action: string) => boolean;
  search: ListSearch;
  onSearch: (search: ListSearch, replace?: boolean) => void;
  /** What stands here while there is none. */
  none: ReactNode;
}

/** The labels of a project, or those of the registry: found, made, changed and deleted. */
export function Labels({ scope, title, may, search, onSearch, none }: Props) {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name" } = search;
  const labels = useLabels(scope, { q, page, sort });
  const [edited, setEdited] = useState<Label>();
  const items = labels.data?.items ?? [];
  return (
    <Section
      title={title}
      actions={
        <div className={classes.actions}>
          <SearchField
            label={t`Find a label`}
            value={q}
            onSearch={(text) => onSearch({ q: text, sort }, true)}
          />
          {may("create") && (
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
      {labels.data?.total === 0 && (q ? <Empty title={t`No label has this in its name.`} /> : none)}
      {items.length > 0 && (
        <LabelTable
          scope={scope}
          caption={title}
          labels={items}
          may={may}
          sort={sort}
          onSort={(next) => onSearch({ q, sort: next })}
          onEdit={setEdited}
        />
      )}
      <Pager
        page={page}
        size={labelsPerPage}
        total={labels.data?.total ?? 0}
        onPage={(next) => onSearch({ q, sort, page: next })}
      />
      <Editor scope={scope} label={edited} onClose={() => setEdited(undefined)} />
    </Section>
  );
}

interface EditorProps {
  scope: Scope;
  /** The label that is changed, an empty one for a new one, nothing where none is. */
  label: Label | undefined;
  onClose: () => void;
}

function Editor({ scope, label, onClose }: EditorProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const title = label?.id ? t`Edit label ${label.name}` : t`Create label`;
  return (
    <Dialog title={title} opened={label !== undefined} onClose={onClose}>
      <LabelForm
        scope={scope}
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
