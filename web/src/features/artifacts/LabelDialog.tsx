import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Dialog } from "../../ui/Dialog";
import { Empty, Failed, Loading } from "../../ui/states";
import classes from "./artifacts.module.css";
import { Labels } from "./Labels";
import { useLabelling } from "./mutations";
import type { PlaceProps } from "./place";
import { type Artifact, type Label, useLabels } from "./queries";

interface Props extends PlaceProps {
  projectId: number | undefined;
  artifacts: Artifact[];
  opened: boolean;
  onClose: () => void;
}

/** Puts labels on artifacts, and takes them off. */
export function LabelDialog(props: Props) {
  const { t } = useLingui();
  return (
    <Dialog title={t`Labels`} opened={props.opened} onClose={props.onClose}>
      <Choices {...props} />
    </Dialog>
  );
}

function Choices({ project, repository, projectId, artifacts }: Props) {
  const { t } = useLingui();
  const labels = useLabels(projectId);
  const change = useLabelling({ project, repository });
  if (labels.isPending) return <Loading rows={3} />;
  if (labels.isError) return <Failed what={t`The labels can't be listed.`} error={labels.error} />;
  if (labels.data.length === 0) {
    return (
      <Empty title={t`There are no labels yet.`}>
        <p>
          <Trans>
            Labels mark artifacts, such as "production" or "deprecated". The project's maintainers
            make them in its settings.
          </Trans>
        </p>
      </Empty>
    );
  }
  const set = (label: Label, on: boolean) =>
    change.mutate({
      digests: artifacts.map((each) => each.digest ?? ""),
      label: label.id ?? 0,
      on,
    });
  return (
    <div className={classes.choices}>
      <ul>
        {labels.data.map((label) => (
          <li key={label.id}>
            <Labels labels={[label]} />
            <Choice label={label} artifacts={artifacts} busy={change.isPending} onSet={set} />
          </li>
        ))}
      </ul>
      {change.isError && <Failed what={t`The labels were not changed.`} error={change.error} />}
    </div>
  );
}

interface ChoiceProps {
  label: Label;
  artifacts: Artifact[];
  busy: boolean;
  onSet: (label: Label, on: boolean) => void;
}

/** What can be done with one label: what all have can only be taken off, what none has only be put on. */
function Choice({ label, artifacts, busy, onSet }: ChoiceProps) {
  const { t } = useLingui();
  const carry = artifacts.filter((each) => each.labels?.some((own) => own.id === label.id)).length;
  return (
    <span className={classes.buttons}>
      {carry < artifacts.length && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Add label ${label.name ?? ""}`}
          disabled={busy}
          onClick={() => onSet(label, true)}
        >
          <Trans>Add</Trans>
        </Button>
      )}
      {carry > 0 && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Remove label ${label.name ?? ""}`}
          disabled={busy}
          onClick={() => onSet(label, false)}
        >
          <Trans>Remove</Trans>
        </Button>
      )}
    </span>
  );
}
