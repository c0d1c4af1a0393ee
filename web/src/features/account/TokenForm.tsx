import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Failed } from "../../ui/states";
import { useUser } from "../session/queries";
import classes from "./Tokens.module.css";
import { type MadeToken, type NewToken, type Rights, useMakeToken } from "./tokens";

const blank: NewToken = { name: "", project: "", rights: "pull", days: 90 };

/** The button that opens the dialog for a new token. */
export function MakeToken() {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" onClick={() => setOpen(true)}>
        <Trans>Make a token</Trans>
      </Button>
      <Dialog title={t`Make a token`} opened={open} onClose={() => setOpen(false)}>
        <TokenForm onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

/** Makes a token, and shows it this once. */
function TokenForm({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const make = useMakeToken();
  const [token, setToken] = useState(blank);

  function submit(event: FormEvent) {
    event.preventDefault();
    make.mutate(token);
  }

  if (make.data) return <Made made={make.data} onClose={onClose} />;
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput
        label={t`Name of the token`}
        required
        withAsterisk={false}
        maxLength={100}
        data-autofocus
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
      {make.isError && <Failed what={t`The token was not made.`} error={make.error} />}
      <Button type="submit" loading={make.isPending} disabled={token.name.trim() === ""}>
        <Trans>Make token</Trans>
      </Button>
    </form>
  );
}

function Made({ made, onClose }: { made: MadeToken; onClose: () => void }) {
  const { t } = useLingui();
  const user = useUser();
  const { name } = made;
  return (
    <div className={classes.form} role="status">
      <p>
        <Trans>Copy the token {name} now: it is shown only this once.</Trans>
      </p>
      <div className={classes.made}>
        <code>{made.token}</code>
        <CopyButton value={made.token} label={t`Access token`} />
      </div>
      <p>
        <Trans>It is the password that this command asks for:</Trans>
      </p>
      <Command text={`docker login ${window.location.host} -u ${user?.username ?? ""}`} />
      <Button variant="default" onClick={onClose}>
        <Trans>I have copied it</Trans>
      </Button>
    </div>
  );
}
