import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import { useAuthMode, useSignIn } from "./queries";
import classes from "./SignInForm.module.css";

/** User name and password. What was typed stays when signing in fails. */
export function SignInForm() {
  const { t } = useLingui();
  const signIn = useSignIn();
  const directory = useAuthMode() === "ldap_auth";
  const [principal, setPrincipal] = useState("");
  const [password, setPassword] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    signIn.mutate({ principal, password });
  }

  return (
    <form className={classes.form} onSubmit={submit}>
      {directory && (
        <p>
          <Trans>Use the name and password of your company's directory.</Trans>
        </p>
      )}
      <TextInput
        label={t`User name`}
        name="principal"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        value={principal}
        onChange={(event) => setPrincipal(event.currentTarget.value)}
      />
      <PasswordInput
        label={t`Password`}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ "aria-label": t`Show password`, tabIndex: 0 }}
      />
      {signIn.isError && <Refused error={signIn.error} />}
      <Button type="submit" loading={signIn.isPending}>
        <Trans>Sign in</Trans>
      </Button>
    </form>
  );
}

function Refused({ error }: { error: unknown }) {
  const problem = asProblem(error);
  return (
    <p className={classes.refused} role="alert">
      {problem.status === 401 && (
        <Trans>
          This user name and password do not belong together. Check both and try again; after
          several failures the server waits longer before it answers.
        </Trans>
      )}
      {problem.status === 429 && (
        <Trans>Too many failed attempts. Wait a minute, then try again.</Trans>
      )}
      {problem.status === 0 && (
        <Trans>The server did not answer. Check your network, then try again.</Trans>
      )}
      {![0, 401, 429].includes(problem.status) && (
        <Trans>
          Signing in failed: {problem.message}. Try again, or give your administrator the request id{" "}
          {problem.requestId}.
        </Trans>
      )}
    </p>
  );
}
