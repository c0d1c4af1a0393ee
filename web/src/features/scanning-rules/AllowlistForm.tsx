import { Trans, useLingui } from "@lingui/react/macro";
import { Radio, TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import type { Project } from "../projects/queries";
import { isOn, useChangeProject } from "../settings/current";
import { AddCves } from "./AddCves";
import { CveList } from "./CveList";
import { dayOf, endOfDay } from "./cves";
import { SystemAllowlist } from "./SystemAllowlist";
import classes from "./scanning.module.css";

interface Props {
  project: Project;
  changes: boolean;
}

const idsOf = (project: Project) =>
  (project.cve_allowlist?.items ?? []).map((item) => item.cve_id ?? "");

/** The vulnerabilities that don't count here: the registry's list, or one of the project's own. */
export function AllowlistForm({ project, changes }: Props) {
  const { t } = useLingui();
  const change = useChangeProject(project.name ?? "");
  const [reuse, setReuse] = useState(isOn(project, "reuse_sys_cve_allowlist", true));
  const [items, setItems] = useState(idsOf(project));
  const [until, setUntil] = useState(dayOf(project.cve_allowlist?.expires_at));
  const past = until !== "" && (endOfDay(until) ?? 0) * 1000 < Date.now();

  function save() {
    change.mutate({
      metadata: { reuse_sys_cve_allowlist: String(reuse) },
      cve_allowlist: {
        project_id: project.project_id ?? 0,
        items: items.map((cve_id) => ({ cve_id })),
        expires_at: endOfDay(until),
      },
    });
  }

  return (
    <Form
      onSubmit={save}
      action={t`Save allowlist`}
      busy={change.isPending}
      disabled={!changes}
      error={change.error}
      failed={t`The allowlist was not saved.`}
      done={change.isSuccess ? t`Saved.` : undefined}
    >
      <Radio.Group
        label={t`Which list holds`}
        value={reuse ? "system" : "own"}
        onChange={(value) => setReuse(value === "system")}
      >
        <div className={classes.choices}>
          <Radio value="system" label={t`The registry's`} disabled={!changes} />
          <Radio value="own" label={t`One of this project's own`} disabled={!changes} />
        </div>
      </Radio.Group>
      {reuse ? (
        <SystemAllowlist />
      ) : (
        <>
          {items.length === 0 && (
            <p className={classes.dim}>
              <Trans>The list is empty: every vulnerability counts.</Trans>
            </p>
          )}
          <CveList
            items={items}
            {...(changes && {
              onRemove: (id: string) => setItems(items.filter((each) => each !== id)),
            })}
          />
          {changes && <AddCves known={items} onAdd={(more) => setItems([...items, ...more])} />}
          <TextInput
            type="date"
            label={t`Until`}
            description={t`After this day all of them count again. Empty: they never do.`}
            disabled={!changes}
            value={until}
            error={past && t`This day is over: nothing on the list is put up with any more.`}
            onChange={(event) => setUntil(event.currentTarget.value)}
          />
        </>
      )}
    </Form>
  );
}
