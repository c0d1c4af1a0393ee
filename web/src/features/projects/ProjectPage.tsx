import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { ButtonLink } from "../../ui/ButtonLink";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { Mirror } from "../proxy/Mirror";
import { PushCommands } from "../repositories/PushCommands";
import { useMay } from "../session/may";
import { SignInRequired } from "../session/SignInRequired";
import { useSettings } from "../settings/groups";
import { TrustPolicy } from "../trust/TrustPolicy";
import { ProjectSwitcher } from "./ProjectSwitcher";
import { type Project, useProject } from "./queries";
import { RepositoryList } from "./RepositoryList";
import { roleName } from "./role";
import { Summary } from "./Summary";
import { Visibility } from "./Visibility";

const route = getRouteApi("/p/$project");

export function ProjectPage() {
  const { t } = useLingui();
  const { project: name } = route.useParams();
  const project = useProject(name);
  return (
    <Page
      title={name}
      crumbs={[{ label: t`Projects`, link: { to: "/projects" } }]}
      beside={<ProjectSwitcher here={name} />}
      facts={project.data && <Facts project={project.data} />}
      actions={project.data && <SettingsLink project={project.data} />}
    >
      {project.isPending && <Loading />}
      {project.isError && <NoProject name={name} error={project.error} retry={project.refetch} />}
      {project.data && <Content project={project.data} />}
    </Page>
  );
}

/** The way to the settings, for those who may see any of them. */
function SettingsLink({ project }: { project: Project }) {
  const groups = useSettings(project);
  if (groups.every((group) => group.links.length === 0)) return null;
  return (
    <ButtonLink to="/p/$project/settings" params={{ project: project.name ?? "" }}>
      <Trans>Settings</Trans>
    </ButtonLink>
  );
}

function Facts({ project }: { project: Project }) {
  const { i18n } = useLingui();
  const role = roleName(project.current_user_role_id);
  return (
    <>
      <Visibility project={project} />
      {role && (
        <span>
          <Trans>Your role: {i18n._(role)}</Trans>
        </span>
      )}
      <span>
        <Trans>
          Created <When time={project.creation_time} />
        </Trans>
      </span>
    </>
  );
}

function Content({ project }: { project: Project }) {
  const { t } = useLingui();
  const may = useMay(project.project_id);
  const name = project.name ?? "";
  const empty = (project.repo_count ?? 0) === 0;
  const cache = (project.registry_id ?? 0) > 0;
  const pushes = !cache && may("repository", "push");
  return (
    <>
      <Summary project={project} />
      <RepositoryList
        project={name}
        mayPush={pushes}
        mayDelete={may("repository", "delete")}
        cache={cache}
      />
      {cache && <Mirror project={name} />}
      {!empty && pushes && (
        <Section title={t`Push to ${name}`}>
          <PushCommands project={name} />
        </Section>
      )}
      <TrustPolicy project={name} signedIn={may("metadata", "read")} />
    </>
  );
}

function NoProject(props: { name: string; error: unknown; retry: () => void }) {
  const { t } = useLingui();
  const { name, error, retry } = props;
  if (asProblem(error).isForbidden) {
    return (
      <SignInRequired>
        <p>
          <Trans>
            You may not see the project {name}, or there is none of this name. Only its members may:
            ask one of its admins to add you.
          </Trans>
        </p>
      </SignInRequired>
    );
  }
  return <Failed what={t`The project ${name} can't be shown.`} error={error} retry={retry} />;
}
