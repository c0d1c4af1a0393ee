import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { asProblem } from "../../api/problem";
import { Failed, Forbidden, Loading } from "../../ui/states";
import { type Project, useProject } from "../projects/queries";
import { ModeSection } from "./ModeSection";
import { PolicySection } from "./PolicySection";
import { type Policy, type ProjectRetention, usePolicy, useProjectRetention } from "./queries";
import { RunsSection } from "./RunsSection";
import { sameRules } from "./rule";

const route = getRouteApi("/p/$project/settings/retention");

const PreviewSection = lazy(async () => ({
  default: (await import("./PreviewSection")).PreviewSection,
}));

/** Which artifacts of a project stay: its rules, what they would do, and what they did. */
export function RetentionPage() {
  const { t } = useLingui();
  const { project: name } = route.useParams();
  const project = useProject(name).data;
  const retention = useProjectRetention(name);
  if (retention.isError && asProblem(retention.error).isForbidden) return <NotYours name={name} />;
  if (retention.isError) {
    return (
      <Failed
        what={t`The retention policy can't be shown.`}
        error={retention.error}
        retry={() => retention.refetch()}
      />
    );
  }
  if (!retention.data || !project) return <Loading />;
  return <Loaded project={project} retention={retention.data} />;
}

function NotYours({ name }: { name: string }) {
  return (
    <Forbidden>
      <p>
        <Trans>
          The retention policy of {name} is for its developers, maintainers and admins. Ask one of
          its admins for one of these roles.
        </Trans>
      </p>
    </Forbidden>
  );
}

interface Props {
  project: Project;
  retention: ProjectRetention;
}

const none: Policy = { rules: [], cron: "" };

function Loaded({ project, retention }: Props) {
  const { t } = useLingui();
  const own = usePolicy(retention.policy_id);
  if (retention.policy_id > 0 && own.isPending) return <Loading />;
  if (own.isError) {
    return (
      <Failed
        what={t`The retention policy can't be shown.`}
        error={own.error}
        retry={() => own.refetch()}
      />
    );
  }
  return <Editor project={project} retention={retention} stored={own.data ?? none} />;
}

/** The rules of the default policy that would hold besides the project's own, or instead of none. */
function othersOf(retention: ProjectRetention, stored: Policy, willOwn: boolean) {
  const others = retention.rules.slice(retention.policy_id > 0 ? stored.rules.length : 0);
  return retention.default === "besides" || !willOwn ? others : [];
}

function Editor({ project, retention, stored }: Props & { stored: Policy }) {
  const [draft, setDraft] = useState<Policy>();
  const shown = draft ?? stored;
  const dirty = shown.cron !== stored.cron || !sameRules(shown.rules, stored.rules);
  const name = project.name ?? "";
  const others = othersOf(retention, stored, retention.policy_id > 0 || dirty);
  return (
    <>
      <PolicySection
        projectId={project.project_id ?? 0}
        id={retention.policy_id}
        stored={stored}
        draft={shown}
        dirty={dirty}
        others={others}
        onDraft={setDraft}
      />
      <Suspense fallback={<Loading rows={3} />}>
        <PreviewSection project={name} rules={[...shown.rules, ...others]} />
      </Suspense>
      <RunsSection
        project={name}
        policy={retention.policy_id}
        dirty={dirty}
        empty={stored.rules.length + others.length === 0}
      />
      <ModeSection project={name} mode={retention.default} />
    </>
  );
}
