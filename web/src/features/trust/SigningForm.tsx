import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { Failed, Loading } from "../../ui/states";
import classes from "./policy.module.css";
import { type Signing, useChangeSigning, useSigning } from "./signing";

/** Whether Haven signs images that passed the project's checks. */
export function SigningForm({ project, changes }: { project: string; changes: boolean }) {
  const { t } = useLingui();
  const signing = useSigning(project);
  return (
    <>
      <p>
        <Trans>
          Haven can sign each image that passed the checks of this project, so that a cluster needs
          one key only, whoever built the image.
        </Trans>
      </p>
      {signing.isPending && <Loading rows={2} />}
      {signing.isError && (
        <Failed
          what={t`What Haven signs can't be shown.`}
          error={signing.error}
          retry={() => signing.refetch()}
        />
      )}
      {signing.data && <Fields project={project} start={signing.data} changes={changes} />}
    </>
  );
}

interface FieldsProps {
  project: string;
  start: Signing;
  changes: boolean;
}

function Fields({ project, start, changes }: FieldsProps) {
  const { t } = useLingui();
  const change = useChangeSigning(project);
  const [signing, setSigning] = useState(start);
  const put = (part: Partial<Signing>) => setSigning({ ...signing, ...part });
  const none = signing.enabled && signing.formats.length === 0;
  return (
    <Form
      onSubmit={() => change.mutate(signing)}
      action={t`Save signing`}
      busy={change.isPending}
      disabled={!changes || none}
      error={change.error}
      failed={t`Signing was not saved.`}
      done={change.isSuccess ? t`Saved.` : undefined}
    >
      <Checkbox
        label={t`Haven signs images that passed`}
        description={t`What lies here already and has passed is signed at once; other images when they are pushed or scanned.`}
        disabled={!changes}
        checked={signing.enabled}
        onChange={(event) => put({ enabled: event.currentTarget.checked })}
      />
      {signing.enabled && (
        <>
          <Checkbox.Group
            label={t`Formats`}
            value={signing.formats}
            error={none && t`Choose at least one.`}
            onChange={(formats) => put({ formats: formats as Signing["formats"] })}
          >
            <div className={classes.choices}>
              <Checkbox
                value="cosign"
                disabled={!changes}
                label={t`Cosign, under a tag`}
                description={t`Read by Cosign 2 and 3, Kyverno, Sigstore's policy controller, Podman and CRI-O.`}
              />
              <Checkbox
                value="cosign-bundle"
                disabled={!changes}
                label={t`Cosign, as a bundle`}
                description={t`Read by Cosign 3 and Kyverno.`}
              />
              <Checkbox
                value="notation"
                disabled={!changes}
                label={t`Notation`}
                description={t`Read by Notation, Ratify and Kyverno.`}
              />
            </div>
          </Checkbox.Group>
          <Checkbox
            label={t`Attest the result of the scan, too`}
            disabled={!changes}
            checked={signing.attest}
            onChange={(event) => put({ attest: event.currentTarget.checked })}
          />
          <Checkbox
            label={t`Sign only what fulfils the trust policy`}
            disabled={!changes}
            checked={signing.require_trust}
            onChange={(event) => put({ require_trust: event.currentTarget.checked })}
          />
        </>
      )}
    </Form>
  );
}
