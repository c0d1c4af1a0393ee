import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { Failed } from "../../../ui/states";
import classes from "../identity.module.css";
import { type Group, ldapGroup, useCreateGroup, useSearchGroups } from "./queries";

/** Searches the directory for a group, and makes the chosen one known. */
export function FindGroup({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const search = useSearchGroups();
  const create = useCreateGroup();
  const [name, setName] = useState("");

  function add({ ldap_group_dn = "", group_name = "" }: Group) {
    create.mutate(
      { group_type: ldapGroup, ldap_group_dn, group_name },
      {
        onSuccess: () => {
          say(t`The group ${group_name || ldap_group_dn} is known.`);
          onClose();
        },
      },
    );
  }

  return (
    <Form
      action={t`Search the directory`}
      onSubmit={() => search.mutate(name.trim())}
      busy={search.isPending}
      error={search.error}
      failed={t`The directory was not searched.`}
    >
      <TextInput
        label={t`Name of the group`}
        description={t`* stands for any text.`}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {search.data?.length === 0 && (
        <p role="status">
          <Trans>No group of the directory has this name.</Trans>
        </p>
      )}
      {create.isError && <Failed what={t`The group was not added.`} error={create.error} />}
      <ul className={classes.tight}>
        {search.data?.map((group) => (
          <li key={group.ldap_group_dn} className={classes.secret}>
            <div>
              <p>{group.group_name}</p>
              <p className={classes.mono}>{group.ldap_group_dn}</p>
            </div>
            <Button
              size="xs"
              variant="default"
              loading={create.isPending}
              aria-label={t`Add ${group.group_name ?? ""}`}
              onClick={() => add(group)}
            >
              <Trans>Add</Trans>
            </Button>
          </li>
        ))}
      </ul>
    </Form>
  );
}
