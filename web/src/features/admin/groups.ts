import type { MessageDescriptor } from "@lingui/core";
import { useLingui } from "@lingui/react/macro";
import type { LinkProps } from "@tanstack/react-router";
import type { SectionGroup } from "../../ui/Sections";
import { identityLinks } from "./identity";
import { systemLinks } from "./system";

/** A page for administrators. */
export interface AdminLink {
  title: MessageDescriptor;
  to: LinkProps["to"];
}

/** The pages for administrators, in groups. */
export function useAdminPages(): SectionGroup[] {
  const { t, i18n } = useLingui();
  const named = (links: AdminLink[]) =>
    links.map(({ title, to }) => ({ title: i18n._(title), link: { to } }));
  return [
    { title: t`Who`, links: named(identityLinks) },
    { title: t`What`, links: named(systemLinks) },
  ];
}
