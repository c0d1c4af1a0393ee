import { useLingui } from "@lingui/react/macro";
import { useMantineColorScheme } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { places } from "../../frame/places";
import type { Destination } from "../../ui/destination";
import { useAdminPages } from "../admin/groups";
import { useCreationRestricted, useProject } from "../projects/queries";
import { useSignOut, useUser } from "../session/queries";
import { useSettings } from "../settings/groups";
import type { Hit } from "./hits";

export interface Doings {
  createProject: () => void;
  leave: () => Promise<void>;
}

/** The pages and actions that the caller may have, whatever is typed. */
export function useOwnHits(doings: Doings): Hit[] {
  return [...usePages(), ...useSettingsOfThis(), ...useActions(doings)];
}

function page(title: string, place: Destination, note?: string): Hit {
  return { key: `page ${note ?? ""} ${title}`, kind: "pages", title, place, ...(note && { note }) };
}

function usePages(): Hit[] {
  const { t, i18n } = useLingui();
  const user = useUser();
  const admin = useAdminPages();
  const shown = places.filter((place) => place.shown(user));
  return [
    ...shown.map(({ title, to }) => page(i18n._(title), { to: to ?? "/" })),
    ...(user ? [page(t`Your account`, { to: "/me" })] : []),
    ...(user?.sysadmin_flag
      ? admin.flatMap((group) =>
          group.links.map(({ title, link }) => page(title, link as Destination, t`Admin`)),
        )
      : []),
  ];
}

/** The pages of settings of the project whose page is open. */
function useSettingsOfThis(): Hit[] {
  const { project: name } = useParams({ strict: false }) as { project?: string };
  return useSettingsHits(name ?? "");
}

function useSettingsHits(name: string): Hit[] {
  const project = useProject(name, name !== "");
  const groups = useSettings(project.data);
  return groups.flatMap((group) =>
    group.links.map(({ title, link }) => page(title, link as Destination, name)),
  );
}

function useActions({ createProject, leave }: Doings): Hit[] {
  const { t } = useLingui();
  const user = useUser();
  const restricted = useCreationRestricted(!!user);
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const signOut = useSignOut(leave);
  const may = user && (user.sysadmin_flag || restricted.data === false);
  const action = (title: string, act: () => void): Hit => ({
    key: `action ${title}`,
    kind: "actions",
    title,
    act,
  });
  return [
    ...(may ? [action(t`Create project`, createProject)] : []),
    ...(user
      ? [
          {
            key: "action password",
            kind: "actions" as const,
            title: t`Change password`,
            place: { to: "/me" },
          },
        ]
      : []),
    action(t`Use dark colours`, () => setColorScheme("dark")),
    action(t`Use light colours`, () => setColorScheme("light")),
    ...(user
      ? [action(t`Sign out`, () => signOut.mutate())]
      : [
          {
            key: "action sign in",
            kind: "actions" as const,
            title: t`Sign in`,
            place: { to: "/account/sign-in" },
          },
        ]),
  ];
}
