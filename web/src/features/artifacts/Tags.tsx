import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconLock, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { Failed } from "../../ui/states";
import type { May } from "../session/may";
import classes from "./artifacts.module.css";
import { useNewTag } from "./mutations";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";
import { tagFault } from "./tagName";
import { useDelete } from "./useDelete";

interface Props extends PlaceProps {
  artifact: Artifact;
  may: May;
}

/** So many tags are shown at first. */
const most = 50;

/** The tags of an artifact, each to be taken off, and the way to one more. */
export function Tags({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const place = { project, repository };
  const { remove, isPending, error } = useDelete(place);
  const [all, setAll] = useState(false);
  const tags = artifact.tags ?? [];
  const digest = artifact.digest ?? "";
  return (
    <div className={classes.buttons}>
      {tags.length === 0 && <Trans>none</Trans>}
      <ul className={classes.tags}>
        {tags.slice(0, all ? undefined : most).map((tag) => (
          <li key={tag.name}>
            {tag.name}
            {tag.immutable && <IconLock size={12} role="img" aria-label={t`immutable`} />}
            {may("tag", "delete") && !tag.immutable && (
              <ActionIcon
                size="xs"
                variant="subtle"
                color="gray"
                disabled={isPending}
                aria-label={t`Delete tag ${tag.name ?? ""}`}
                title={t`Delete tag ${tag.name ?? ""}`}
                onClick={() => remove([{ digest, tag: tag.name ?? "" }])}
              >
                <IconX size={12} aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {!all && tags.length > most && (
        <Button size="xs" variant="default" onClick={() => setAll(true)}>
          <Trans>Show all {tags.length} tags</Trans>
        </Button>
      )}
      {may("tag", "create") && <AddTag {...place} digest={digest} />}
      {error && <Failed what={t`The tag was not deleted.`} error={error} />}
    </div>
  );
}

function AddTag({ project, repository, digest }: PlaceProps & { digest: string }) {
  const { t } = useLingui();
  const add = useNewTag({ project, repository }, digest);
  const [open, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    add.reset();
  };
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen(true)}>
        <Trans>Add tag</Trans>
      </Button>
      <Dialog title={t`Add tag`} opened={open} onClose={close}>
        <NewTag
          busy={add.isPending}
          error={add.error}
          onAdd={(name) => add.mutate(name, { onSuccess: close })}
        />
      </Dialog>
    </>
  );
}

interface NewTagProps {
  busy: boolean;
  error: unknown;
  onAdd: (name: string) => void;
}

function NewTag({ busy, error, onAdd }: NewTagProps) {
  const { t } = useLingui();
  const [name, setName] = useState("");
  const wrong = name !== "" && tagFault(name);
  return (
    <Form
      onSubmit={() => !tagFault(name) && onAdd(name)}
      action={t`Add tag`}
      busy={busy}
      disabled={tagFault(name)}
      error={error}
      failed={t`The tag was not added.`}
    >
      <TextInput
        label={t`Name of the tag`}
        description={t`A tag that names something else already doesn't move.`}
        data-autofocus
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={
          wrong &&
          t`Letters, digits, dots, dashes and underscores, 128 at most; not a dot or a dash first.`
        }
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Form>
  );
}
