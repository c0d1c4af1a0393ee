import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import { Dialog } from "../../ui/Dialog";
import { Failed } from "../../ui/states";
import { useUser } from "../session/queries";
import classes from "./CreateProject.module.css";
import { nameFault } from "./name";
import { useCreateProject, useCreationRestricted } from "./queries";

/** The button that opens the dialog, for those whom the server lets create projects. */
export function CreateProject() {
  const user = useUser();
  const restricted = useCreationRestricted(!!user);
  const [open, setOpen] = useState(false);
  if (!user || (!user.sysadmin_flag && restricted.data !== false)) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trans>Create project</Trans>
      </Button>
      <CreateProjectDialog opened={open} onClose={() => setOpen(false)} />
    </>
  );
}

interface DialogProps {
  opened: boolean;
  onClose: () => void;
}

/** The dialog alone; it closes when the new project's page opens. */
export function CreateProjectDialog({ opened, onClose }: DialogProps) {
  const { t } = useLingui();
  const navigate = useNavigate();
  return (
    <Dialog title={t`Create project`} opened={opened} onClose={onClose}>
      <CreateForm
        onCreated={async (project) => {
          await navigate({ to: "/p/$project", params: { project } });
          onClose();
        }}
      />
    </Dialog>
  );
}

function useNameMessage(name: string, touched: boolean): string | undefined {
  const { t } = useLingui();
  const fault = nameFault(name);
  if (!touched || !fault) return undefined;
  return {
    empty: t`A project needs a name.`,
    long: t`A name has at most 255 characters.`,
    form: t`Lower-case letters and digits, parted by single dots, dashes or underscores.`,
  }[fault];
}

/** The form alone, for where no dialog is around it. */
export function CreateForm({ onCreated }: { onCreated: (project: string) => void }) {
  const { t } = useLingui();
  const create = useCreateProject();
  const [name, setName] = useState("");
  const [touched, setTouched] = useState(false);
  const [isPublic, setPublic] = useState(false);
  const message = useNameMessage(name, touched);
  const taken = create.isError && asProblem(create.error).status === 409;

  function submit(event: FormEvent) {
    event.preventDefault();
    setTouched(true);
    if (nameFault(name)) return;
    create.mutate({ name, isPublic }, { onSuccess: () => onCreated(name) });
  }

  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <TextInput
        label={t`Name`}
        description={t`The first part of every image name in it: my-team/my-app`}
        data-autofocus
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={taken ? t`There is a project of this name already. Choose another.` : message}
        onChange={(event) => {
          setName(event.currentTarget.value);
          setTouched(true);
          create.reset();
        }}
      />
      <Checkbox
        label={t`Public`}
        description={t`Everyone may pull from it, without signing in`}
        checked={isPublic}
        onChange={(event) => setPublic(event.currentTarget.checked)}
      />
      {create.isError && !taken && (
        <Failed what={t`The project was not created.`} error={create.error} />
      )}
      <Button type="submit" loading={create.isPending}>
        <Trans>Create project</Trans>
      </Button>
    </form>
  );
}
