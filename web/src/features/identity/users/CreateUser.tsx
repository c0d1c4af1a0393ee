import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { useCreateUser } from "./queries";
import { usePasswordFields } from "./usePasswordFields";

export function CreateUser() {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trans>Create user</Trans>
      </Button>
      <Dialog title={t`Create user`} opened={open} onClose={() => setOpen(false)}>
        <CreateForm onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const blank = { username: "", email: "", realname: "" };
const off = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;

function useFaults(typed: typeof blank) {
  const { t } = useLingui();
  const { username, email } = typed;
  return {
    username: /[,"~#%$]/.test(username) ? t`Without , " ~ # % and $.` : undefined,
    email:
      email && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)
        ? t`This is no e-mail address.`
        : undefined,
  };
}

function CreateForm({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const create = useCreateUser();
  const [typed, setTyped] = useState(blank);
  const { fields, password, good } = usePasswordFields();
  const faults = useFaults(typed);
  const ready =
    good && typed.username.trim() && typed.email.trim() && !faults.username && !faults.email;

  function submit() {
    if (!ready) return;
    const username = typed.username.trim();
    // The server wants a name; who has typed none is called as they sign in.
    const realname = typed.realname.trim() || username;
    create.mutate(
      { username, email: typed.email.trim(), realname, comment: "", password },
      {
        onSuccess: () => {
          say(t`The user ${username} is created.`);
          onClose();
        },
      },
    );
  }

  const field = (name: keyof typeof blank) => ({
    ...off,
    value: typed[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      setTyped({ ...typed, [name]: event.currentTarget.value }),
  });

  return (
    <Form
      action={t`Create user`}
      onSubmit={submit}
      busy={create.isPending}
      disabled={!ready}
      error={create.error}
      failed={t`The user was not created.`}
    >
      <TextInput
        label={t`User name`}
        data-autofocus
        maxLength={255}
        error={faults.username}
        {...field("username")}
      />
      <TextInput label={t`E-mail`} type="email" error={faults.email} {...field("email")} />
      <TextInput label={t`Full name`} description={t`May stay empty.`} {...field("realname")} />
      {fields}
    </Form>
  );
}
