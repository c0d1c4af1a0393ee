import { Trans, useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { type Group, oidcGroup, useRenameGroup } from "./queries";

export function RenameGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const rename = useRenameGroup();
  const before = group.group_name ?? "";
  const [name, setName] = useState(before);
  const ready = name.trim() !== "" && name.trim() !== before;

  function submit() {
    if (!ready) return;
    rename.mutate(
      { id: group.id ?? 0, name: name.trim() },
      {
        onSuccess: () => {
          say(t`The group is called ${name.trim()} now.`);
          onClose();
        },
      },
    );
  }

  return (
    <Dialog opened title={t`Rename ${before}`} onClose={onClose}>
      <Form
        action={t`Rename group`}
        onSubmit={submit}
        busy={rename.isPending}
        disabled={!ready}
        error={rename.error}
        failed={t`The group was not renamed.`}
      >
        <p>
          {group.group_type === oidcGroup ? (
            <Trans>
              Only what it is called here changes. The provider goes on calling it as before.
            </Trans>
          ) : (
            <Trans>Only what it is called here changes, and nothing in the directory.</Trans>
          )}
        </p>
        <TextInput
          label={t`Name`}
          data-autofocus
          maxLength={255}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </Form>
    </Dialog>
  );
}
