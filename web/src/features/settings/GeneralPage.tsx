import { Trans, useLingui } from "@lingui/react/macro";
import { Radio } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { Section } from "../../ui/Page";
import { When } from "../../ui/When";
import type { Project } from "../projects/queries";
import { isPublic } from "../projects/Visibility";
import { DeleteProject } from "./DeleteProject";
import classes from "./GeneralPage.module.css";
import { Guarded } from "./Guarded";
import { useSetPublic } from "./queries";

/** Who owns a project, who may see it, and its end. */
export function GeneralPage() {
  return (
    <Guarded resource="project" action="update">
      {(project, may) => (
        <>
          <Facts project={project} />
          <Visibility key={String(isPublic(project))} project={project} />
          {may("project", "delete") && <DeleteProject name={project.name ?? ""} />}
        </>
      )}
    </Guarded>
  );
}

function Facts({ project }: { project: Project }) {
  const { t } = useLingui();
  return (
    <Section title={t`General`}>
      <dl className={classes.facts}>
        <dt>{t`Name`}</dt>
        <dd>{project.name}</dd>
        <dt>{t`Owner`}</dt>
        <dd>{project.owner_name || "–"}</dd>
        <dt>{t`Number in the API`}</dt>
        <dd>{project.project_id}</dd>
        <dt>{t`Created`}</dt>
        <dd>
          <When time={project.creation_time} />
        </dd>
        <dt>{t`Last changed`}</dt>
        <dd>
          <When time={project.update_time} />
        </dd>
      </dl>
    </Section>
  );
}

function Visibility({ project }: { project: Project }) {
  const { t } = useLingui();
  const set = useSetPublic(project.name ?? "");
  const now = isPublic(project);
  const [chosen, setChosen] = useState(now);
  return (
    <Section title={t`Who may see it`}>
      <Form
        onSubmit={() => set.mutate(chosen)}
        action={t`Save visibility`}
        busy={set.isPending}
        disabled={chosen === now}
        error={set.error}
        failed={t`The visibility was not changed.`}
        done={set.isSuccess ? t`The visibility is changed.` : undefined}
      >
        <Radio.Group
          aria-label={t`Who may see it`}
          value={chosen ? "public" : "private"}
          onChange={(next) => {
            setChosen(next === "public");
            set.reset();
          }}
        >
          <div className={classes.choices}>
            <Radio
              value="private"
              label={t`Private`}
              description={t`Only its members see it and pull from it.`}
            />
            <Radio
              value="public"
              label={t`Public`}
              description={t`Everybody who reaches this registry sees it and pulls from it, without signing in.`}
            />
          </div>
        </Radio.Group>
        {chosen && !now && (
          <p role="status">
            <Trans>All that is in it now becomes public, old tags too.</Trans>
          </p>
        )}
      </Form>
    </Section>
  );
}
