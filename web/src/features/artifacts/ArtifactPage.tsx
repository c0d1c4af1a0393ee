import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { CommandTabs } from "../../ui/CommandTabs";
import { shortDigest } from "../../ui/format";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { pullTools, thisHost } from "../repositories/commands";
import { InsecureNotice } from "../repositories/InsecureNotice";
import { SignInRequired } from "../session/SignInRequired";
import { Signatures } from "../trust/Signatures";
import { ArtifactFacts } from "./ArtifactFacts";
import { History } from "./History";
import type { PlaceProps } from "./place";
import { type Artifact, useArtifact } from "./queries";
import { Accessories, Platforms } from "./Related";

const route = getRouteApi("/p/$project/r/$");

/** One artifact: how to pull it, what it is, what it is made of, what belongs to it. */
export function ArtifactPage({ project, repository, digest }: PlaceProps & { digest: string }) {
  const { t } = useLingui();
  const { tag } = route.useSearch();
  const artifact = useArtifact(project, repository, digest);
  const place = { project, repository };
  const forbidden = artifact.isError && asProblem(artifact.error).isForbidden;
  return (
    <Page
      title={tag ?? shortDigest(digest)}
      crumbs={[
        { label: t`Projects`, link: { to: "/projects" } },
        { label: project, link: { to: "/p/$project", params: { project } } },
        {
          label: repository,
          link: { to: "/p/$project/r/$", params: { project, _splat: repository } },
        },
      ]}
    >
      {artifact.isPending && <Loading />}
      {forbidden && (
        <SignInRequired>
          <p>
            <Trans>You may not see this artifact. Ask an admin of {project} to add you.</Trans>
          </p>
        </SignInRequired>
      )}
      {artifact.isError && !forbidden && (
        <Failed
          what={t`The artifact can't be shown.`}
          error={artifact.error}
          retry={() => artifact.refetch()}
        />
      )}
      {artifact.data && <Content {...place} artifact={artifact.data} tag={tag} />}
    </Page>
  );
}

interface ContentProps extends PlaceProps {
  artifact: Artifact;
  tag: string | undefined;
}

function Content({ project, repository, artifact, tag }: ContentProps) {
  const { t } = useLingui();
  const digest = artifact.digest ?? "";
  const tags = (artifact.tags ?? []).map((each) => each.name ?? "");
  const target = { repository: `${project}/${repository}`, type: artifact.type ?? "" };
  const host = thisHost();
  return (
    <>
      {tag && !tags.includes(tag) && (
        <p role="status">
          <Trans>The tag {tag} names another artifact by now. This one is still here.</Trans>
        </p>
      )}
      <Section title={t`Pull exactly this`}>
        <CommandTabs
          tools={pullTools(host, { ...target, reference: digest })}
          label={t`pull by digest`}
        />
        <InsecureNotice />
      </Section>
      <ArtifactFacts artifact={artifact} />
      <Signatures project={project} repository={repository} digest={digest} />
      <Platforms project={project} repository={repository} artifact={artifact} />
      <History project={project} repository={repository} artifact={artifact} />
      <Accessories project={project} repository={repository} artifact={artifact} />
    </>
  );
}
