import { Trans, useLingui } from "@lingui/react/macro";
import { Fields, Form } from "../../../ui/Form";
import classes from "../identity.module.css";
import {
  ChoiceSetting,
  LongSetting,
  NumberSetting,
  SecretSetting,
  TextSetting,
  TruthSetting,
} from "../SettingFields";
import { type Draft, type Settings, useDraft, useSaveSettings } from "../settings";
import { DirectoryPeople } from "./DirectoryPeople";
import { useDirectoryTest } from "./DirectoryTest";

/** The directory by which people sign in: where it is, and where people and groups are in it. */
export function DirectoryPart({ settings }: { settings: Settings }) {
  const { t } = useLingui();
  const draft = useDraft(settings);
  const save = useSaveSettings();
  const { button, result } = useDirectoryTest(draft);
  return (
    <div className={classes.stack}>
      <Form
        action={t`Save directory`}
        onSubmit={() => save.mutate(draft.changes, { onSuccess: draft.forget })}
        busy={save.isPending}
        disabled={!draft.changed || draft.faulty}
        error={save.error}
        failed={t`The directory was not saved.`}
        done={save.isSuccess && !draft.changed ? t`Saved.` : undefined}
        more={button}
      >
        <Server draft={draft} settings={settings} />
        <People draft={draft} />
        <Groups draft={draft} />
      </Form>
      {result}
      <DirectoryPeople configured={settings.ldap_url?.value !== ""} />
    </div>
  );
}

function Server({ draft, settings }: { draft: Draft; settings: Settings }) {
  const { t } = useLingui();
  const moved = settings.ldap_url?.value !== "" && draft.changes.ldap_url !== undefined;
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Server</Trans>
      </legend>
      <div className={classes.form}>
        <TextSetting
          draft={draft}
          name="ldap_url"
          label={t`Address`}
          placeholder="ldaps://ldap.example.com"
          description={t`ldaps:// is encrypted from the start, ldap:// only with StartTLS.`}
        />
        <Fields>
          <TextSetting
            draft={draft}
            name="ldap_search_dn"
            label={t`Search account`}
            placeholder="cn=haven,ou=services,dc=example,dc=com"
          />
          <SecretSetting draft={draft} name="ldap_search_password" label={t`Its password`} />
        </Fields>
        {moved && draft.text("ldap_search_password") === "" && (
          <p className={classes.notice} role="status">
            <Trans>
              The stored password belongs to the present server. For another one, type it again.
            </Trans>
          </p>
        )}
        <Details>
          <TruthSetting
            draft={draft}
            name="ldap_start_tls"
            label={t`StartTLS`}
            description={t`Encrypts a connection to ldap://. Without encryption nobody gets in then.`}
          />
          <TruthSetting
            draft={draft}
            name="ldap_verify_cert"
            label={t`Check the server's certificate`}
          />
          <LongSetting
            draft={draft}
            name="ldap_ca_certificate"
            label={t`Authorities that may sign the certificate`}
            description={t`PEM. Empty: those that the machine trusts.`}
            placeholder="-----BEGIN CERTIFICATE-----"
          />
          <NumberSetting
            draft={draft}
            name="ldap_timeout"
            label={t`Seconds to wait`}
            description={t`For everything that one log-in does, 60 at most.`}
          />
        </Details>
      </div>
    </fieldset>
  );
}

function Details({ children }: { children: React.ReactNode }) {
  return (
    <details className={classes.more}>
      <summary>
        <Trans>Encryption and time limit</Trans>
      </summary>
      <div className={classes.form}>{children}</div>
    </details>
  );
}

function useScopes() {
  const { t } = useLingui();
  return [
    { value: "0", label: t`The entry itself` },
    { value: "1", label: t`One level below` },
    { value: "2", label: t`Everything below` },
  ];
}

function People({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>People</Trans>
      </legend>
      <Fields>
        <TextSetting
          draft={draft}
          name="ldap_base_dn"
          label={t`Where people are`}
          placeholder="ou=people,dc=example,dc=com"
        />
        <ChoiceSetting draft={draft} name="ldap_scope" label={t`How deep`} choices={useScopes()} />
      </Fields>
      <Fields>
        <TextSetting
          draft={draft}
          name="ldap_filter"
          label={t`Which entries are people`}
          placeholder="(objectClass=inetOrgPerson)"
        />
        <TextSetting draft={draft} name="ldap_uid" label={t`Attribute with the user name`} />
      </Fields>
    </fieldset>
  );
}

function Groups({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Groups</Trans>
      </legend>
      <div className={classes.form}>
        <Fields>
          <TextSetting
            draft={draft}
            name="ldap_group_search_filter"
            label={t`Which entries are groups`}
            description={t`While it is empty, people bring no groups.`}
            placeholder="(objectClass=groupOfNames)"
          />
          <TextSetting
            draft={draft}
            name="ldap_group_admin_dn"
            label={t`Group of the administrators`}
            description={t`Who is in it administers this registry.`}
            placeholder="cn=registry-admins,ou=groups,…"
          />
        </Fields>
        <Fields>
          <TextSetting
            draft={draft}
            name="ldap_group_base_dn"
            label={t`Where groups are`}
            placeholder={t`Where people are`}
          />
          <ChoiceSetting
            draft={draft}
            name="ldap_group_search_scope"
            label={t`How deep`}
            choices={useScopes()}
          />
        </Fields>
        <Fields>
          <TextSetting
            draft={draft}
            name="ldap_group_attribute_name"
            label={t`Attribute with a group's name`}
            placeholder="cn"
          />
          <TextSetting
            draft={draft}
            name="ldap_group_membership_attribute"
            label={t`Attribute that lists the groups`}
            placeholder="memberOf"
          />
        </Fields>
      </div>
    </fieldset>
  );
}
