import { Trans, useLingui } from "@lingui/react/macro";
import { Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import type { SignInPart } from "../../../routes/identity";
import { Section } from "../../../ui/Page";
import { Failed, Loading } from "../../../ui/states";
import tabs from "../../../ui/Tabs.module.css";
import { useHereInSight } from "../../../ui/useHereInSight";
import classes from "../identity.module.css";
import { isFixed, type Settings, useSettings } from "../settings";
import { AccountsPart } from "./AccountsPart";
import { DirectoryPart } from "./DirectoryPart";
import { ModePart } from "./ModePart";
import { ProviderPart } from "./ProviderPart";

const route = getRouteApi("/admin/sign-in");

/** How people come in, and the settings of each way. */
export function SignInSettings() {
  const { t } = useLingui();
  const settings = useSettings();
  return (
    <Section title={t`Sign-in`}>
      {settings.isPending && <Loading />}
      {settings.isError && (
        <Failed
          what={t`The settings can't be shown.`}
          error={settings.error}
          retry={() => settings.refetch()}
        />
      )}
      {settings.data && <Parts settings={settings.data} />}
    </Section>
  );
}

function Parts({ settings }: { settings: Settings }) {
  const { t } = useLingui();
  const { part = "mode" } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useHereInSight<HTMLDivElement>(part);
  const parts: { name: SignInPart; title: string; content: React.ReactNode }[] = [
    { name: "mode", title: t`Ways in`, content: <ModePart settings={settings} /> },
    { name: "ldap", title: t`LDAP directory`, content: <DirectoryPart settings={settings} /> },
    { name: "oidc", title: t`OpenID provider`, content: <ProviderPart settings={settings} /> },
    {
      name: "accounts",
      title: t`Accounts and sessions`,
      content: <AccountsPart settings={settings} />,
    },
  ];
  return (
    <>
      {isFixed(settings) && <Fixed />}
      <Tabs
        value={part}
        classNames={{ tab: tabs.tab, list: tabs.list }}
        onChange={(next) =>
          navigate({ search: { part: (next ?? "mode") as SignInPart }, replace: true })
        }
      >
        <Tabs.List ref={list} aria-label={t`Sign-in`}>
          {parts.map(({ name, title }) => (
            <Tabs.Tab key={name} value={name}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {parts.map(({ name, content }) => (
          <Tabs.Panel key={name} value={name} className={classes.panel ?? ""}>
            {content}
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}

function Fixed() {
  return (
    <p className={classes.notice}>
      <Trans>
        These settings are fixed from outside, by <code>config_overwrite_json</code> of the server.
        They are shown here, and changed there.
      </Trans>
    </p>
  );
}
