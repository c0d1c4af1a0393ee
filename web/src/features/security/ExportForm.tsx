import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { api, bodyOf, type Schema } from "../../api/client";
import { asProblem } from "../../api/problem";
import { Fields, Form } from "../../ui/Form";
import { type NewExport, useExport } from "./queries";

const blank = { project: "", repositories: "", tags: "", cves: "" };
type Draft = typeof blank;

/** Asks for the findings of one project as a file. */
export function ExportForm() {
  const { t } = useLingui();
  const [draft, setDraft] = useState(blank);
  const [unknown, setUnknown] = useState<string>();
  const [done, setDone] = useState<string>();
  const begin = useExport();
  const set = (part: Partial<Draft>) => {
    setDraft({ ...draft, ...part });
    setDone(undefined);
    setUnknown(undefined);
    begin.reset();
  };

  async function submit() {
    const name = draft.project.trim();
    try {
      const project = await projectId(name);
      const wanted: NewExport = { ...draft, project };
      begin.mutate(wanted, {
        onSuccess: () => setDone(t`It is being written; it shows up below.`),
      });
    } catch (error) {
      const { isForbidden, status, message } = asProblem(error);
      setUnknown(
        isForbidden || status === 404 ? t`There is no project ${name} that you may see.` : message,
      );
    }
  }

  const patterns = t`Patterns separated by commas, without blanks; empty for all`;
  return (
    <Form
      onSubmit={submit}
      action={t`Export findings`}
      busy={begin.isPending}
      disabled={draft.project.trim() === ""}
      error={begin.error}
      failed={t`The export did not begin.`}
      done={done}
    >
      <Fields>
        <TextInput
          label={t`Project`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={draft.project}
          error={unknown}
          onChange={(event) => set({ project: event.currentTarget.value })}
        />
        <TextInput
          label={t`Repositories`}
          description={patterns}
          value={draft.repositories}
          onChange={(event) => set({ repositories: event.currentTarget.value })}
        />
        <TextInput
          label={t`Tags`}
          description={patterns}
          value={draft.tags}
          onChange={(event) => set({ tags: event.currentTarget.value })}
        />
        <TextInput
          label={t`Vulnerabilities`}
          description={patterns}
          value={draft.cves}
          onChange={(event) => set({ cves: event.currentTarget.value })}
        />
      </Fields>
    </Form>
  );
}

async function projectId(name: string): Promise<number> {
  const project = await bodyOf<Schema["Project"]>(
    api.GET("/api/v2.0/projects/{project_name_or_id}", {
      params: { path: { project_name_or_id: name }, header: { "X-Is-Resource-Name": true } },
    }),
  );
  return project.project_id ?? 0;
}
