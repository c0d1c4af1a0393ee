import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { imageOf } from "../scanning-rules/effect";
import { useLatestArtifacts, useVerdicts } from "../scanning-rules/queries";
import classes from "./policy.module.css";
import { Signatures } from "./Signatures";

/** What the policy in force says of an image, and what a pull of it meets. */
export function TryArtifact({ project }: { project: string }) {
  const { t } = useLingui();
  const artifacts = useLatestArtifacts(project);
  const images = (artifacts.data?.items ?? []).filter((artifact) => artifact.type === "IMAGE");
  const [chosen, setChosen] = useState("");
  const image = images.find(({ digest, repository_name }) =>
    chosen ? chosen === `${repository_name}@${digest}` : false,
  );
  if (artifacts.isPending) return <Loading rows={2} />;
  if (artifacts.isError) {
    return (
      <Failed
        what={t`The images can't be listed.`}
        error={artifacts.error}
        retry={() => artifacts.refetch()}
      />
    );
  }
  return (
    <>
      <Section title={t`Try it on an image`}>
        {images.length === 0 ? (
          <p>
            <Trans>
              There is no image here yet. Push one, then see what the policy says of it.
            </Trans>
          </p>
        ) : (
          <NativeSelect
            label={t`Image`}
            data={[
              { value: "", label: t`Choose one` },
              ...images.map((each) => ({
                value: `${each.repository_name}@${each.digest}`,
                label: imageOf(each),
              })),
            ]}
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value)}
          />
        )}
        {image && <PullVerdict project={project} image={chosen} />}
      </Section>
      {image && (
        <Signatures
          project={project}
          repository={(image.repository_name ?? "").replace(`${project}/`, "")}
          digest={image.digest ?? ""}
        />
      )}
    </>
  );
}

function PullVerdict({ project, image }: { project: string; image: string }) {
  const { t } = useLingui();
  const verdicts = useVerdicts(project, [image]);
  const verdict = verdicts.data?.[0];
  if (verdicts.isError) {
    return (
      <Failed
        what={t`What a pull meets can't be told.`}
        error={verdicts.error}
        retry={() => verdicts.refetch()}
      />
    );
  }
  if (!verdict) return <Loading rows={1} />;
  return (
    <div className={classes.box} role="status">
      {verdict.allowed ? (
        <p>
          <Trans>A pull of it is allowed now.</Trans>
        </p>
      ) : (
        <p>
          <Trans>A pull of it is refused now: {verdict.message}</Trans>
        </p>
      )}
    </div>
  );
}
