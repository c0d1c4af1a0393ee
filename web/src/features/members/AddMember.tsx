import { Trans, useLingui } from "@lingui/react/macro";
import { Autocomplete, NativeSelect, SegmentedControl } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { roleName, roles } from "../projects/role";
import { newGroup } from "./group";
import { useAddMember, useFoundGroups, useFoundUsers } from "./queries";

interface Props {
  project: string;
  onDone: () => void;
}

type Kind = "user" | "group";

/** Gives a user or a group a role in the project. */
export function AddMember({ project, onDone }: Props) {
  const { t, i18n } = useLingui();
  const { say } = useNotices();
  const add = useAddMember(project);
  const [kind, setKind] = useState<Kind>("user");
  const [name, setName] = useState("");
  const [role, setRole] = useState("2");
  const [provider, setProvider] = useState("3");
  const found = useFound(kind, name);
  const known = found.groups.find((group) => group.group_name === name);
  const taken = add.isError && asProblem(add.error).status === 409;

  function submit() {
    const named = name.trim();
    const whom =
      kind === "user"
        ? { member_user: { username: named } }
        : { member_group: newGroup(named, known, Number(provider)) };
    add.mutate(
      { role_id: Number(role), ...whom },
      {
        onSuccess: () => {
          say(t`${named} is a member now.`);
          onDone();
        },
      },
    );
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Add member`}
      busy={add.isPending}
      disabled={name.trim() === ""}
      error={taken ? undefined : add.error}
      failed={t`The member was not added.`}
    >
      <SegmentedControl
        aria-label={t`Kind of member`}
        data={[
          { value: "user", label: t`User` },
          { value: "group", label: t`Group` },
        ]}
        value={kind}
        onChange={(next) => {
          setKind(next as Kind);
          setName("");
          add.reset();
        }}
      />
      <Autocomplete
        label={kind === "user" ? t`User name` : t`Group name`}
        description={
          kind === "group" ? t`As the directory or the identity provider calls it` : undefined
        }
        data-autofocus
        autoCapitalize="none"
        spellCheck={false}
        withScrollArea={false}
        data={found.names}
        filter={({ options }) => options}
        value={name}
        error={taken ? t`This member is in the project already.` : undefined}
        onChange={(next) => {
          setName(next);
          add.reset();
        }}
      />
      {kind === "group" && name.trim() !== "" && !known && (
        <NativeSelect
          label={t`Where the group is from`}
          description={t`The registry doesn't know it yet.`}
          data={[
            { value: "3", label: t`OpenID Connect` },
            { value: "1", label: t`LDAP, by its distinguished name` },
            { value: "2", label: t`HTTP` },
          ]}
          value={provider}
          onChange={(event) => setProvider(event.currentTarget.value)}
        />
      )}
      <NativeSelect
        label={t`Role`}
        data={roles.map((id) => {
          const title = roleName(id);
          return { value: String(id), label: title ? i18n._(title) : "" };
        })}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value)}
      />
      <p>
        <Trans>What each role may do stands below the list of members.</Trans>
      </p>
    </Form>
  );
}

/** What there is of a kind with the text in its name. */
function useFound(kind: Kind, text: string) {
  const [asked] = useDebouncedValue(text, 200);
  const users = useFoundUsers(kind === "user" ? asked : "");
  const groups = useFoundGroups(kind === "group" ? asked : "");
  const found = kind === "group" && text.trim() ? (groups.data ?? []) : [];
  const people = kind === "user" && text.trim() ? (users.data ?? []) : [];
  const names = [
    ...people.map((user) => user.username ?? ""),
    ...found.map((group) => group.group_name ?? ""),
  ];
  return { groups: found, names: [...new Set(names)].filter((each) => each !== "") };
}
