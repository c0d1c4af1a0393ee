import { Trans, useLingui } from "@lingui/react/macro";
import { Select } from "@mantine/core";
import { useState } from "react";
import { Section } from "../../ui/Page";
import { useProjects } from "../projects/queries";
import { PreviewSection } from "./PreviewSection";
import type { Rule } from "./rule";

/** What the default policy would do, in one project at a time. */
export function DefaultPreview({ rules }: { rules: Rule[] }) {
  const { t } = useLingui();
  const [q, setQ] = useState("");
  const [project, setProject] = useState<string | null>(null);
  const projects = useProjects({ q, page: 1 });
  const names = (projects.data?.items ?? []).map((each) => each.name ?? "");
  return (
    <>
      <Section title={t`Look before you save`}>
        <p>
          <Trans>Choose a project to see what these rules would make of it now.</Trans>
        </p>
        <Select
          label={t`Project`}
          data={[...new Set([...(project ? [project] : []), ...names])]}
          value={project}
          onChange={setProject}
          searchable
          searchValue={q}
          onSearchChange={setQ}
          nothingFoundMessage={t`No project has this in its name.`}
        />
      </Section>
      {project && <PreviewSection key={project} project={project} rules={rules} />}
    </>
  );
}
