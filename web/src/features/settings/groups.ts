import { useLingui } from "@lingui/react/macro";
import type { SectionGroup } from "../../ui/Sections";
import type { Project } from "../projects/queries";
import { useMay } from "../session/may";
import type { SettingsLink } from "./link";
import { peopleLinks } from "./people";
import { ruleLinks } from "./rules";

/** The pages of a project's settings that the caller may see, in groups. */
export function useSettings(project: Project | undefined): SectionGroup[] {
  const { t, i18n } = useLingui();
  const may = useMay(project?.project_id);
  if (!project) return [];
  const shown = (links: SettingsLink[]) =>
    links
      .filter((link) => link.shown(may, project))
      .map(({ title, to }) => ({
        title: i18n._(title),
        link: { to, params: { project: project.name ?? "" } },
      }));
  return [
    { title: t`Project`, links: shown(peopleLinks) },
    { title: t`Rules`, links: shown(ruleLinks) },
  ];
}
