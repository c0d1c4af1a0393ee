import { useLingui } from "@lingui/react/macro";
import { CommandTabs } from "../../ui/CommandTabs";
import { Section } from "../../ui/Page";
import { pullTools, thisHost } from "../repositories/commands";
import { InsecureNotice } from "../repositories/InsecureNotice";
import type { May } from "../session/may";
import { Accessories } from "./Accessories";
import { ArtifactFacts } from "./ArtifactFacts";
import { Blocked } from "./Blocked";
import { PlatformList } from "./PlatformList";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";

interface Props extends PlaceProps {
  artifact: Artifact;
  tag: string | undefined;
  may: May;
}

/** What an artifact is, how it is pulled, and whether it may be. */
export function Overview({ project, repository, artifact, tag, may }: Props) {
  const { t } = useLingui();
  const place = { project, repository };
  const target = { repository: `${project}/${repository}`, type: artifact.type ?? "" };
  const digest = artifact.digest ?? "";
  const named = (artifact.tags ?? []).some((each) => each.name === tag) ? tag : undefined;
  const references = named
    ? [
        { reference: digest, title: t`Exactly this one, by digest` },
        { reference: named, title: t`By its tag` },
      ]
    : [{ reference: digest }];
  return (
    <>
      <Blocked {...place} artifact={artifact} />
      <Section title={t`Pull exactly this`}>
        <CommandTabs tools={pullTools(thisHost(), target, references)} label={t`pull`} />
        <InsecureNotice />
      </Section>
      <ArtifactFacts {...place} artifact={artifact} may={may} />
      {(artifact.references?.length ?? 0) > 0 && (
        <Section title={t`What it holds`}>
          <PlatformList {...place} artifact={artifact} />
        </Section>
      )}
      <Accessories {...place} artifact={artifact} />
    </>
  );
}
