import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { IconUser, IconUsersGroup } from "@tabler/icons-react";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { Failed } from "../../ui/states";
import { useProjectSummary } from "../projects/queries";
import { roleName, roles } from "../projects/role";
import type { May } from "../session/may";
import { useUser } from "../session/queries";
import classes from "./members.module.css";
import { againOf, type Member, useAddMember, useChangeRole, useRemoveMember } from "./queries";
import { type Change, Risky } from "./Risky";

interface Props {
  project: string;
  members: Member[];
  may: May;
}

/** The members with their roles, which can be changed, or taken from them, by those who may. */
export function MemberTable({ project, members, may }: Props) {
  const { t } = useLingui();
  const { wish, change, remove, risky, drop, carryOut } = useChanges(project);
  const columns = useColumns(may, wish);
  return (
    <>
      {change.isError && !risky && (
        <Failed what={t`The role was not changed.`} error={change.error} />
      )}
      {remove.isError && !risky && (
        <Failed what={t`The member was not removed.`} error={remove.error} />
      )}
      <DataTable
        caption={t`Members`}
        columns={columns}
        rows={members}
        rowKey={(member) => String(member.id)}
      />
      <Risky
        change={risky}
        busy={change.isPending || remove.isPending}
        error={change.error ?? remove.error}
        onConfirm={() => risky && carryOut(risky)}
        onClose={drop}
      />
    </>
  );
}

/** Carries out what is wished, at once or after asking where it locks somebody out. */
function useChanges(project: string) {
  const { t } = useLingui();
  const { say } = useNotices();
  const user = useUser();
  const admins = useProjectSummary(project).data?.project_admin_count;
  const add = useAddMember(project);
  const change = useChangeRole(project);
  const remove = useRemoveMember(project);
  const [risky, setRisky] = useState<Change>();
  const drop = () => {
    setRisky(undefined);
    change.reset();
    remove.reset();
  };

  function carryOut({ member, role }: Change) {
    const name = member.entity_name ?? "";
    const before = { member, role: member.role_id ?? 0 };
    if (role) {
      change.mutate(
        { member, role },
        {
          onSuccess: () => {
            say(t`The role of ${name} is changed.`, () => change.mutateAsync(before));
            drop();
          },
        },
      );
      return;
    }
    remove.mutate(member, {
      onSuccess: () => {
        say(t`${name} is removed.`, () => add.mutateAsync(againOf(member)));
        drop();
      },
    });
  }

  /** What would leave nobody to administer the project, or take the caller's own rights. */
  function wish({ member, role }: Change) {
    change.reset();
    remove.reset();
    const last = member.role_id === 1 && (admins ?? 1) <= 1;
    const own = member.entity_type === "u" && member.entity_id === user?.user_id;
    if (last) setRisky({ member, role, why: "last" });
    else if (own && !user?.sysadmin_flag) setRisky({ member, role, why: "own" });
    else carryOut({ member, role });
  }

  return { wish, change, remove, risky, drop, carryOut };
}

function useColumns(may: May, wish: (change: Change) => void): Column<Member>[] {
  const { t, i18n } = useLingui();
  const label = (role: number | undefined) => {
    const name = roleName(role);
    return name ? i18n._(name) : "";
  };
  const changes = may("member", "update");
  return [
    { key: "name", title: t`Name`, names: true, cell: (member) => member.entity_name },
    { key: "kind", title: t`Kind`, cell: (member) => <Kind member={member} /> },
    {
      key: "role",
      title: t`Role`,
      cell: (member) =>
        changes ? (
          <NativeSelect
            className={classes.role}
            size="xs"
            aria-label={t`Role of ${member.entity_name ?? ""}`}
            data={roles.map((role) => ({ value: String(role), label: label(role) }))}
            value={String(member.role_id)}
            onChange={(event) => wish({ member, role: Number(event.currentTarget.value) })}
          />
        ) : (
          label(member.role_id)
        ),
    },
    ...(may("member", "delete")
      ? [
          {
            key: "remove",
            title: t`Remove`,
            number: true,
            cell: (member: Member) => (
              <Button
                size="xs"
                variant="default"
                className={classes.remove ?? ""}
                aria-label={t`Remove ${member.entity_name ?? ""}`}
                onClick={() => wish({ member })}
              >
                <Trans>Remove</Trans>
              </Button>
            ),
          },
        ]
      : []),
  ];
}

function Kind({ member }: { member: Member }) {
  const group = member.entity_type === "g";
  const Sign = group ? IconUsersGroup : IconUser;
  return (
    <span className={classes.kind}>
      <Sign size={16} aria-hidden />
      {group ? <Trans>Group</Trans> : <Trans>User</Trans>}
    </span>
  );
}
