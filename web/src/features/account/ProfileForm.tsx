import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "../../api/client";
import { Fields, Form } from "../../ui/Form";
import { useSaveProfile } from "./queries";

type User = Schema["UserResp"];

/** E-mail and name of an account of this registry: one's own, or for an administrator anybody's. */
export function ProfileForm({ user }: { user: User }) {
  const { t } = useLingui();
  const save = useSaveProfile();
  const [typed, setTyped] = useState<Partial<User>>({});
  const shown = { ...user, ...typed };
  const email = shown.email ?? "";
  const wrong = !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email);
  const changed = (["email", "realname", "comment"] as const).some(
    (field) => (shown[field] ?? "") !== (user[field] ?? ""),
  );

  function submit() {
    if (wrong || !user.user_id) return;
    const { realname = "", comment = "" } = shown;
    save.mutate(
      { id: user.user_id, profile: { email, realname, comment } },
      { onSuccess: () => setTyped({}) },
    );
  }

  return (
    <Form
      action={t`Save profile`}
      onSubmit={submit}
      busy={save.isPending}
      disabled={!changed || wrong}
      error={save.error}
      failed={t`The profile was not saved.`}
      done={save.isSuccess && !changed ? t`Saved.` : undefined}
    >
      <Fields>
        <TextInput
          label={t`E-mail`}
          type="email"
          autoComplete="off"
          value={email}
          error={typed.email !== undefined && wrong ? t`This is no e-mail address.` : undefined}
          onChange={(event) => setTyped({ ...typed, email: event.currentTarget.value })}
        />
        <TextInput
          label={t`Full name`}
          autoComplete="off"
          value={shown.realname ?? ""}
          onChange={(event) => setTyped({ ...typed, realname: event.currentTarget.value })}
        />
        <TextInput
          label={t`Remark`}
          autoComplete="off"
          maxLength={30}
          value={shown.comment ?? ""}
          onChange={(event) => setTyped({ ...typed, comment: event.currentTarget.value })}
        />
      </Fields>
    </Form>
  );
}
