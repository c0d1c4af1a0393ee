import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import { Page } from "../../ui/Page";
import { signInAddress } from "./provider";
import { useOnboard } from "./queries";
import classes from "./SignInForm.module.css";

const route = getRouteApi("/oidc-onboard");

/** `/oidc-onboard`: somebody whom the provider brought for the first time chooses a user name. */
export function OnboardPage() {
  const { t } = useLingui();
  const { username, redirect_url } = route.useSearch();
  const [name, setName] = useState(username ?? "");
  const onboard = useOnboard();

  function submit(event: FormEvent) {
    event.preventDefault();
    onboard.mutate(name.trim());
  }

  return (
    <Page title={t`Choose your user name`}>
      <form className={classes.narrow} onSubmit={submit}>
        <p>
          <Trans>
            You are here for the first time. Others see this name, and docker asks for it; it can't
            be changed later.
          </Trans>
        </p>
        <TextInput
          label={t`User name`}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          maxLength={255}
          value={name}
          onChange={(event) => {
            onboard.reset();
            setName(event.currentTarget.value);
          }}
        />
        {onboard.isError && <Refused error={onboard.error} next={redirect_url} />}
        <Button type="submit" loading={onboard.isPending}>
          <Trans>Go on</Trans>
        </Button>
      </form>
    </Page>
  );
}

function Refused({ error, next }: { error: unknown; next?: string }) {
  const problem = asProblem(error);
  const over = problem.status === 400 && problem.message.startsWith("this attempt");
  return (
    <p className={classes.refused} role="alert">
      {problem.status === 409 && (
        <Trans>This name belongs to another account. Choose another one.</Trans>
      )}
      {over && (
        <Trans>
          This took too long. <a href={signInAddress(next ?? "/")}>Sign in again</a>
        </Trans>
      )}
      {problem.status !== 409 && !over && (
        <Trans>This name can't be used: {problem.message}.</Trans>
      )}
    </p>
  );
}
