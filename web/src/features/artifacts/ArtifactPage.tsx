import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { asProblem } from "../../api/problem";
import { shortDigest } from "../../ui/format";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { TabLinks } from "../../ui/TabLinks";
import { useProject } from "../projects/queries";
import { type May, useMay } from "../session/may";
import { SignInRequired } from "../session/SignInRequired";
import { artifactSplat } from "./address";
import { DeleteArtifact } from "./DeleteArtifact";
import { Overview } from "./Overview";
import type { PlaceProps } from "./place";
import { type Artifact, useArtifact } from "./queries";
import { type Tab, tabsOf, useTabTitles } from "./tabs";

const Packages = lazy(() =>
  import("../scans/Packages").then((module) => ({ default: module.Packages })),
);
const Vulnerabilities = lazy(() =>
  import("../scans/Vulnerabilities").then((module) => ({ default: module.Vulnerabilities })),
);
const SignaturesTab = lazy(() =>
  import("../trust/SignaturesTab").then((module) => ({ default: module.SignaturesTab })),
);
const ChartFiles = lazy(() =>
  import("./ChartFiles").then((module) => ({ default: module.ChartFiles })),
);
const Layers = lazy(() => import("./Layers").then((module) => ({ default: module.Layers })));
const TagHistory = lazy(() =>
  import("./TagHistory").then((module) => ({ default: module.TagHistory })),
);

const route = getRouteApi("/p/$project/r/$");

/** One artifact: how to pull it, what it is made of, what is wrong with it, who signed it. */
export function ArtifactPage({ project, repository, digest }: PlaceProps & { digest: string }) {
  const { t } = useLingui();
  const { tag } = route.useSearch();
  const place = { project, repository };
  const artifact = useArtifact(place, digest);
  const may = useMay(useProject(project).data?.project_id);
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
      actions={
        artifact.data &&
        may("artifact", "delete") && <DeleteArtifact {...place} artifact={artifact.data} />
      }
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
      {artifact.data && <Content {...place} artifact={artifact.data} tag={tag} may={may} />}
    </Page>
  );
}

interface ContentProps extends PlaceProps {
  artifact: Artifact;
  tag: string | undefined;
  may: May;
}

function Content(props: ContentProps) {
  const { t } = useLingui();
  const { project, repository, artifact, tag } = props;
  const search = route.useSearch();
  const titles = useTabTitles();
  const tabs = tabsOf(artifact);
  const current = tabs.find((each) => each === search.tab) ?? "overview";
  const names = (artifact.tags ?? []).map((each) => each.name ?? "");
  const to = (tab: Tab) => ({
    to: "/p/$project/r/$" as const,
    params: { project, _splat: artifactSplat(repository, artifact.digest ?? "") },
    search: { ...(tag && { tag }), ...(tab !== "overview" && { tab }) },
  });
  return (
    <>
      {tag && !names.includes(tag) && (
        <p role="status">
          <Trans>The tag {tag} names another artifact by now. This one is still here.</Trans>
        </p>
      )}
      <TabLinks
        label={t`Parts of this artifact`}
        tabs={tabs.map((key) => ({ title: titles[key], link: to(key), here: key === current }))}
      />
      <Suspense fallback={<Loading />}>
        <Shown tab={current} {...props} />
      </Suspense>
    </>
  );
}

function Shown({ tab, tag, ...props }: ContentProps & { tab: Tab }): ReactNode {
  switch (tab) {
    case "layers":
      return <Layers {...props} />;
    case "vulnerabilities":
      return <Vulnerabilities {...props} />;
    case "packages":
      return <Packages {...props} />;
    case "signatures":
      return <SignaturesTab {...props} />;
    case "files":
      return <ChartFiles {...props} />;
    case "history":
      return <TagHistory {...props} tag={tag} />;
    default:
      return <Overview {...props} tag={tag} />;
  }
}
