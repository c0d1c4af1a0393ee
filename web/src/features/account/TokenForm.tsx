import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { CopyButton } from "../../ui/CopyButton";
import { Failed } from "../../ui/states";
import classes from "./Tokens.module.css";
import { type MadeToken, type NewToken, type Rights, useMakeToken } from "./tokens";

const blank: NewToken = { name: "", project: "", rights: "pull", days: 90 };

/** Makes a token, and shows it this once. */
export function TokenForm() {
  const { t } = useLingui();
  const make = useMakeToken();
  const [token, setToken] = useState(blank);

  function submit(event: FormEvent) {
    event.preventDefault();
    make.mutate(token, { onSuccess: () => setToken(blank) });
  }

  return (
    <>
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label={t`Name of the token`}
          required
          withAsterisk={false}
          maxLength={100}
          value={token.name}
          onChange={(event) => setToken({ ...token, name: event.currentTarget.value })}
        />
        <TextInput
          label={t`Project`}
          description={t`Empty for all that you may use.`}
          value={token.project}
          onChange={(event) => setToken({ ...token, project: event.currentTarget.value })}
        />
        <NativeSelect
          label={t`It may`}
          data={[
            { value: "pull", label: t`pull` },
            { value: "push", label: t`pull and push` },
            { value: "everything", label: t`do everything that I may` },
          ]}
          value={token.rights}
          onChange={(event) => setToken({ ...token, rights: event.currentTarget.value as Rights })}
        />
        <NativeSelect
          label={t`It ends`}
          data={[
            { value: "30", label: t`in 30 days` },
            { value: "90", label: t`in 90 days` },
            { value: "365", label: t`in a year` },
            { value: "0", label: t`never` },
          ]}
          value={String(token.days)}
          onChange={(event) => setToken({ ...token, days: Number(event.currentTarget.value) })}
        />
        <Button type="submit" loading={make.isPending}>
          <Trans>Make a token</Trans>
        </Button>
      </form>
      {make.isError && <Failed what={t`The token was not made.`} error={make.error} />}
      <div role="status">{make.data && <Made made={make.data} />}</div>
    </>
  );
}

function Made({ made }: { made: MadeToken }) {
  const { t } = useLingui();
  const { name } = made;
  return (
    <>
      <p>
        <Trans>Copy the token {name} now: it is shown only this once.</Trans>
      </p>
      <div className={classes.made}>
        <code>{made.token}</code>
        <CopyButton value={made.token} label={t`Access token`} />
      </div>
    </>
  );
}
