import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty } from "../../../ui/states";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { DeleteLabel } from "./DeleteLabel";
import { LabelForm } from "./LabelForm";
import { LabelTable } from "./LabelTable";
import { type Label, labelsPerPage, useSystemLabels } from "./queries";

const route = getRouteApi("/admin/labels");

/** Labels that all projects can put on their artifacts. */
export function SystemLabelsPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name" } = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useSystemLabels(q, page, sort);
  const [edited, setEdited] = useState<Label | "new">();
  const [leaving, setLeaving] = useState<Label>();
  const stored = edited === "new" ? undefined : edited;
  return (
    <Section
      title={t`Labels of all projects`}
      actions={
        <div className={classes.row}>
          <SearchField
            label={t`Find a label`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, sort }, replace: true })}
          />
          <Button onClick={() => setEdited("new")}>
            <Trans>Create label</Trans>
          </Button>
        </div>
      }
    >
      <Shown query={labels} what={t`The labels can't be listed.`}>
        {({ items, total }) =>
          total === 0 ? (
            <Empty title={q ? t`No label has this in its name.` : t`There is no label yet.`}>
              <p className={classes.prose}>
                <Trans>
                  Labels that you create here can be put on artifacts of every project, and rules
                  can choose by them. A project may have labels of its own.
                </Trans>
              </p>
            </Empty>
          ) : (
            <LabelTable
              rows={items}
              sort={sort}
              onSort={(next) => navigate({ search: { q, sort: next } })}
              onEdit={setEdited}
              onDelete={setLeaving}
            />
          )
        }
      </Shown>
      <Pager
        page={page}
        size={labelsPerPage}
        total={labels.data?.total ?? 0}
        onPage={(next) => navigate({ search: { q, sort, page: next } })}
      />
      <Dialog
        title={stored ? t`Edit label ${stored.name}` : t`Create label`}
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
      >
        <LabelForm stored={stored} onDone={() => setEdited(undefined)} />
      </Dialog>
      <DeleteLabel label={leaving} onClose={() => setLeaving(undefined)} />
    </Section>
  );
}
