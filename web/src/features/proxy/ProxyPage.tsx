import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { Section } from "../../ui/Page";
import { Failed, Forbidden, Loading } from "../../ui/states";
import { useProject } from "../projects/queries";
import { useMay } from "../session/may";
import { Mirror } from "./Mirror";
import { PolicyForm } from "./PolicyForm";
import { ProxyStatusFacts } from "./ProxyStatusFacts";
import { useProxyPolicy } from "./queries";
import { UpstreamForm } from "./UpstreamForm";

const route = getRouteApi("/p/$project/settings/proxy");

/** How a project caches a registry elsewhere, how that one is, and how clients pull through it. */
export function ProxyPage() {
  const { t } = useLingui();
  const { project: name } = route.useParams();
  const project = useProject(name).data;
  const may = useMay(project?.project_id);
  const policy = useProxyPolicy(name);
  if (!project) return <Loading />;
  if ((project.registry_id ?? 0) === 0) {
    return (
      <Forbidden>
        <p>
          <Trans>{name} is no cache of another registry. Only a new project can be made one.</Trans>
        </p>
      </Forbidden>
    );
  }
  if (policy.isError && asProblem(policy.error).isForbidden) {
    return (
      <Forbidden>
        <p>
          <Trans>
            How {name} caches is for its maintainers and admins to see. Ask one of them.
          </Trans>
        </p>
      </Forbidden>
    );
  }
  const edits = may("metadata", "update");
  return (
    <>
      <ProxyStatusFacts project={name} />
      <Section title={t`What a pull does`}>
        {policy.isPending && <Loading />}
        {policy.isError && (
          <Failed
            what={t`The settings of the cache can't be shown.`}
            error={policy.error}
            retry={() => policy.refetch()}
          />
        )}
        {policy.data && <PolicyForm project={name} stored={policy.data} readOnly={!edits} />}
      </Section>
      <Section title={t`Towards the registry`}>
        <UpstreamForm project={name} metadata={project.metadata ?? {}} readOnly={!edits} />
      </Section>
      <Mirror project={name} />
    </>
  );
}
