import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import { Failed } from "../../ui/states";
import type { SignedIn } from "../session/queries";
import classes from "./PasswordForm.module.css";
import { passwordFault } from "./password";
import { useChangePassword } from "./queries";

const blank = { old: "", next: "", repeat: "" };

function useFaultMessage(fields: typeof blank): string | undefined {
  const { t } = useLingui();
  const fault = passwordFault(fields.next, fields.repeat);
  if (!fault || fields.next === "" || (fault === "repeat" && fields.repeat === ""))
    return undefined;
  return {
    length: t`8 to 128 characters.`,
    upper: t`An upper-case letter is missing.`,
    lower: t`A lower-case letter is missing.`,
    digit: t`A digit is missing.`,
    repeat: t`The two do not agree.`,
  }[fault];
}

export function PasswordForm({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const change = useChangePassword();
  const [fields, setFields] = useState(blank);
  const message = useFaultMessage(fields);
  const wrongOld = change.isError && asProblem(change.error).status === 403;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (passwordFault(fields.next, fields.repeat)) return;
    change.mutate(
      { user, oldPassword: fields.old, newPassword: fields.next },
      { onSuccess: () => setFields(blank) },
    );
  }

  function field(name: keyof typeof blank) {
    return {
      required: true,
      withAsterisk: false,
      visibilityToggleButtonProps: { "aria-label": t`Show password`, tabIndex: 0 },
      value: fields[name],
      onChange: (event: { currentTarget: { value: string } }) => {
        change.reset();
        setFields({ ...fields, [name]: event.currentTarget.value });
      },
    };
  }

  return (
    <form className={classes.form} onSubmit={submit}>
      <input type="hidden" autoComplete="username" value={user.username} readOnly />
      <PasswordInput
        label={t`Current password`}
        autoComplete="current-password"
        error={wrongOld ? t`This is not your current password.` : undefined}
        {...field("old")}
      />
      <PasswordInput
        label={t`New password`}
        description={t`8 to 128 characters, with an upper-case and a lower-case letter and a digit`}
        autoComplete="new-password"
        error={message}
        {...field("next")}
      />
      <PasswordInput
        label={t`New password, again`}
        autoComplete="new-password"
        {...field("repeat")}
      />
      {change.isError && !wrongOld && (
        <Failed what={t`The password was not changed.`} error={change.error} />
      )}
      <Button type="submit" loading={change.isPending}>
        <Trans>Change password</Trans>
      </Button>
      <p role="status">{change.isSuccess && <Trans>The password is changed.</Trans>}</p>
    </form>
  );
}
