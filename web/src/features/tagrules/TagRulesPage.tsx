import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Section } from "../../ui/Page";
import { Empty, Failed, Forbidden, Loading } from "../../ui/states";
import { useProject } from "../projects/queries";
import { useMay } from "../session/may";
import { Kinds } from "./Kinds";
import { type TagRule, useTagRules } from "./queries";
import { RuleEditor } from "./RuleEditor";
import { RuleTable } from "./RuleTable";
import { newRule } from "./rule";

const route = getRouteApi("/p/$project/settings/tag-rules");

/** Which tags of a project stay as they are. */
export function TagRulesPage() {
  const { t } = useLingui();
  const { project } = route.useParams();
  const rules = useTagRules(project);
  const may = useMay(useProject(project).data?.project_id);
  const [edited, setEdited] = useState<TagRule>();
  if (rules.isError && asProblem(rules.error).isForbidden) return <NotYours name={project} />;
  return (
    <>
      <Section
        title={t`Tag rules`}
        actions={
          may("immutable-tag", "create") &&
          !edited && (
            <Button onClick={() => setEdited(newRule())}>
              <Trans>Add tag rule</Trans>
            </Button>
          )
        }
      >
        <p>
          <Trans>
            A rule keeps tags as they are. A tag that isn't there yet can always be made, and what
            has no tag is never protected.
          </Trans>
        </p>
        {rules.isPending && <Loading rows={3} />}
        {rules.isError && (
          <Failed
            what={t`The tag rules can't be listed.`}
            error={rules.error}
            retry={() => rules.refetch()}
          />
        )}
        {rules.data?.total === 0 && (
          <Empty title={t`No rule protects tags here: they move with each push.`} />
        )}
        {rules.data && rules.data.total > 0 && (
          <RuleTable project={project} rules={rules.data.items} onEdit={setEdited} />
        )}
      </Section>
      {edited && (
        <RuleEditor
          key={edited.id ?? 0}
          project={project}
          stored={edited}
          onClose={() => setEdited(undefined)}
        />
      )}
      {!edited && <Kinds />}
    </>
  );
}

function NotYours({ name }: { name: string }) {
  return (
    <Forbidden>
      <p>
        <Trans>The tag rules of {name} are for its maintainers and admins. Ask one of them.</Trans>
      </p>
    </Forbidden>
  );
}
