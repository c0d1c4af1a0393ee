import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { Bytes } from "../../ui/Bytes";
import { Digest } from "../../ui/Digest";
import { Section } from "../../ui/Page";
import { When } from "../../ui/When";
import classes from "./artifacts.module.css";
import type { Artifact } from "./queries";
import { platforms } from "./rows";
import { TypeName } from "./TypeName";

/** What is known of an artifact, as a list of names and values. */
export function ArtifactFacts({ artifact }: { artifact: Artifact }) {
  const { t } = useLingui();
  const tags = artifact.tags ?? [];
  const names = platforms(artifact);
  const annotations = Object.entries((artifact.annotations ?? {}) as Record<string, string>);
  return (
    <Section title={t`What it is`}>
      <dl className={classes.facts}>
        <Fact name={t`Digest`}>
          <Digest value={artifact.digest ?? ""} />
        </Fact>
        <Fact name={t`Tags`}>
          {tags.length === 0 ? <Trans>none</Trans> : null}
          <ul className={classes.tags}>
            {tags.map((tag) => (
              <li key={tag.name}>{tag.name}</li>
            ))}
          </ul>
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
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
    </Section>
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
