import { Trans, useLingui } from "@lingui/react/macro";
import { Radio } from "@mantine/core";
import { Form } from "../../../ui/Form";
import classes from "../identity.module.css";
import { ChoiceSetting, TruthSetting } from "../SettingFields";
import { type Draft, isFixed, type Settings, useDraft, useSaveSettings } from "../settings";
import { OtherMode } from "./OtherMode";

/** Who knows the people: this registry alone, or somebody else too. */
export function ModePart({ settings }: { settings: Settings }) {
  const { t } = useLingui();
  const draft = useDraft(settings);
  const save = useSaveSettings();
  return (
    <Form
      action={t`Save ways in`}
      onSubmit={() => save.mutate(draft.changes, { onSuccess: draft.forget })}
      busy={save.isPending}
      disabled={!draft.changed}
      error={save.error}
      failed={t`The ways in were not changed.`}
      done={save.isSuccess && !draft.changed ? t`Saved.` : undefined}
    >
      <p className={classes.dim}>
        <Trans>
          Whoever has a password in this registry signs in with it, whatever is chosen here. So the
          user admin gets in when everything else is down.
        </Trans>
      </p>
      <Mode draft={draft} settings={settings} />
      <Providers draft={draft} />
      <TruthSetting
        draft={draft}
        name="primary_auth_mode"
        label={t`Go to the OpenID provider's page at once`}
        description={t`Who isn't signed in sees no form here. It stays at /account/sign-in.`}
      />
    </Form>
  );
}

interface ModeProps {
  draft: Draft;
  settings: Settings;
}

function Mode({ draft, settings }: ModeProps) {
  const { t } = useLingui();
  const modes = useModes();
  const locked = !draft.editable("auth_mode") && !isFixed(settings);
  return (
    <>
      <Radio.Group
        label={t`Who knows the people`}
        value={draft.text("auth_mode")}
        onChange={(mode) => draft.set("auth_mode", mode)}
      >
        <div className={classes.choices}>
          {modes.map(({ value, label, description }) => (
            <Radio
              key={value}
              value={value}
              label={label}
              description={description}
              disabled={!draft.editable("auth_mode")}
            />
          ))}
        </div>
      </Radio.Group>
      <OtherMode mode={draft.text("auth_mode")} />
      {locked && (
        <p className={classes.notice}>
          <Trans>
            The mode can't change any more: there are users besides admin, and their accounts belong
            to the present one. To let people of a directory or provider in beside them, choose who
            else is asked, below.
          </Trans>
        </p>
      )}
      {draft.changes.auth_mode !== undefined && (
        <p className={classes.notice} role="status">
          <Trans>
            Test the settings of this way in before you save. Once somebody has come in by it, or
            you have created a user, the mode can't be changed any more.
          </Trans>
        </p>
      )}
    </>
  );
}

function useModes() {
  const { t } = useLingui();
  return [
    {
      value: "db_auth",
      label: t`This registry`,
      description: t`Administrators create the users, or people register themselves.`,
    },
    {
      value: "ldap_auth",
      label: t`An LDAP directory or Active Directory`,
      description: t`People use the company's name and password, in the browser and with docker.`,
    },
    {
      value: "oidc_auth",
      label: t`An OpenID provider`,
      description: t`People sign in on the company's page; for docker they get a secret here.`,
    },
  ];
}

function Providers({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <ChoiceSetting
      draft={draft}
      name="identity_providers"
      label={t`Who else is asked`}
      description={t`In this order, about people who have no password here. It can change at any time.`}
      choices={[
        { value: "", label: t`Nobody but the one above` },
        { value: "ldap", label: t`The LDAP directory` },
        { value: "oidc", label: t`The OpenID provider` },
        { value: "ldap,oidc", label: t`The directory, then the provider` },
        { value: "oidc,ldap", label: t`The provider, then the directory` },
      ]}
    />
  );
}
