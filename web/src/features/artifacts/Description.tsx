import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { Text } from "../../ui/Text";
import classes from "./artifacts.module.css";
import { useDescription } from "./mutations";
import type { PlaceProps } from "./place";

interface Props extends PlaceProps {
  text: string;
  editable: boolean;
}

/** What people say a repository is for. */
export function Description({ project, repository, text, editable }: Props) {
  const [editing, setEditing] = useState(false);
  if (editing) {
    return (
      <Editor
        project={project}
        repository={repository}
        text={text}
        onClose={() => setEditing(false)}
      />
    );
  }
  if (!text && !editable) return null;
  return (
    <div className={classes.description}>
      {text && <Text most={600}>{text}</Text>}
      {editable && (
        <Button size="xs" variant="default" onClick={() => setEditing(true)}>
          {text ? <Trans>Change description</Trans> : <Trans>Describe this repository</Trans>}
        </Button>
      )}
    </div>
  );
}

function Editor(props: PlaceProps & { text: string; onClose: () => void }) {
  const { t } = useLingui();
  const { project, repository, text, onClose } = props;
  const save = useDescription({ project, repository });
  const [typed, setTyped] = useState(text);
  return (
    <Form
      onSubmit={() => save.mutate(typed, { onSuccess: onClose })}
      action={t`Save description`}
      busy={save.isPending}
      disabled={typed === text}
      error={save.error}
      failed={t`The description was not saved.`}
      more={
        <Button variant="default" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
      }
    >
      <Textarea
        label={t`Description`}
        description={t`What is in here and who looks after it, as plain text.`}
        rows={4}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </Form>
  );
}
