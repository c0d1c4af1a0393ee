import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import classes from "../identity.module.css";
import { useSettings } from "../settings";
import { FindGroup } from "./FindGroup";
import { ldapGroup, oidcGroup, useCreateGroup } from "./queries";

/** Makes a group of the directory or the provider known, to give it roles. */
export function CreateGroup() {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trans>Add group</Trans>
      </Button>
      <Dialog title={t`Add group`} opened={open} onClose={() => setOpen(false)}>
        <Adding onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Adding({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const settings = useSettings();
  const oidc = settings.data?.auth_mode?.value === "oidc_auth";
  const [type, setType] = useState<number>();
  const shown = type ?? (oidc ? oidcGroup : ldapGroup);
  return (
    <div className={classes.stack}>
      <NativeSelect
        label={t`It comes from`}
        data={[
          { value: String(ldapGroup), label: t`the LDAP directory` },
          { value: String(oidcGroup), label: t`the OpenID provider` },
        ]}
        value={String(shown)}
        onChange={(event) => setType(Number(event.currentTarget.value))}
      />
      {shown === ldapGroup ? <FindGroup onClose={onClose} /> : <NameGroup onClose={onClose} />}
    </div>
  );
}

/** A group of the provider, which can't be asked for its groups: by name. */
function NameGroup({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const create = useCreateGroup();
  const [name, setName] = useState("");

  function submit() {
    const group_name = name.trim();
    if (!group_name) return;
    create.mutate(
      { group_name, group_type: oidcGroup },
      {
        onSuccess: () => {
          say(t`The group ${group_name} is known.`);
          onClose();
        },
      },
    );
  }

  return (
    <Form
      action={t`Add group`}
      onSubmit={submit}
      busy={create.isPending}
      disabled={name.trim() === ""}
      error={create.error}
      failed={t`The group was not added.`}
    >
      <TextInput
        label={t`Name of the group`}
        description={t`Exactly as the provider says it, capitals too.`}
        maxLength={255}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Form>
  );
}
