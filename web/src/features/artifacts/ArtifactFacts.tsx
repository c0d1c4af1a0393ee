import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { Digest } from "../../ui/Digest";
import { Section } from "../../ui/Page";
import { plain } from "../../ui/plain";
import { Text } from "../../ui/Text";
import { When } from "../../ui/When";
import type { May } from "../session/may";
import classes from "./artifacts.module.css";
import { LabelDialog } from "./LabelDialog";
import { Labels } from "./Labels";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";
import { platforms } from "./rows";
import { Tags } from "./Tags";
import { TypeName } from "./TypeName";

interface Props extends PlaceProps {
  artifact: Artifact;
  may: May;
}

/** What is known of an artifact, as a list of names and values. */
export function ArtifactFacts({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const place = { project, repository };
  const names = platforms(artifact);
  const annotations = Object.entries(artifact.annotations ?? {});
  return (
    <Section title={t`What it is`}>
      <dl className={classes.facts}>
        <Fact name={t`Digest`}>
          <Digest value={artifact.digest ?? ""} />
        </Fact>
        <Fact name={t`Tags`}>
          <Tags {...place} artifact={artifact} may={may} />
        </Fact>
        <Fact name={t`Labels`}>
          <OwnLabels {...place} artifact={artifact} may={may} />
        </Fact>
        <Fact name={t`Type`}>
          <TypeName artifact={artifact} />
        </Fact>
        {names.length > 0 && <Fact name={t`Platform`}>{names.join(", ")}</Fact>}
        <Fact name={t`Size`}>
          <Bytes value={artifact.size ?? 0} />
        </Fact>
        <Fact name={t`Pushed`}>
          <When time={artifact.push_time} />
        </Fact>
        <Fact name={t`Pulled`}>
          <When time={artifact.pull_time} />
        </Fact>
        <Fact name={t`Media type`}>{artifact.manifest_media_type}</Fact>
        {annotations.map(([name, value]) => (
          <Fact key={name} name={plain(name).slice(0, 200)}>
            <Text>{value}</Text>
          </Fact>
        ))}
      </dl>
    </Section>
  );
}

function OwnLabels({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const [changing, setChanging] = useState(false);
  return (
    <span className={classes.buttons}>
      <Labels labels={artifact.labels} />
      {may("artifact-label", "create") && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Change labels`}
          onClick={() => setChanging(true)}
        >
          <Trans>Change</Trans>
        </Button>
      )}
      <LabelDialog
        project={project}
        repository={repository}
        projectId={artifact.project_id}
        artifacts={[artifact]}
        opened={changing}
        onClose={() => setChanging(false)}
      />
    </span>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
