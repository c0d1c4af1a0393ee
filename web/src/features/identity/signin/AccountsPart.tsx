import { Trans, useLingui } from "@lingui/react/macro";
import { Fields, Form } from "../../../ui/Form";
import classes from "../identity.module.css";
import { ChoiceSetting, NumberSetting, TextSetting, TruthSetting } from "../SettingFields";
import { type Draft, type Settings, useDraft, useSaveSettings } from "../settings";

/** What holds for all accounts: who makes them and projects, how long one stays signed in, robots. */
export function AccountsPart({ settings }: { settings: Settings }) {
  const { t } = useLingui();
  const draft = useDraft(settings);
  const save = useSaveSettings();
  return (
    <Form
      action={t`Save accounts and sessions`}
      onSubmit={() => save.mutate(draft.changes, { onSuccess: draft.forget })}
      busy={save.isPending}
      disabled={!draft.changed || draft.faulty}
      error={save.error}
      failed={t`Accounts and sessions were not changed.`}
      done={save.isSuccess && !draft.changed ? t`Saved.` : undefined}
    >
      <Accounts draft={draft} />
      <Sessions draft={draft} />
      <Robots draft={draft} />
    </Form>
  );
}

function Accounts({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Accounts</Trans>
      </legend>
      <div className={classes.form}>
        <TruthSetting
          draft={draft}
          name="self_registration"
          label={t`People may register themselves`}
          description={t`Anybody who reaches this registry can make an account then. Only where this registry knows the people.`}
        />
        <ChoiceSetting
          draft={draft}
          name="project_creation_restriction"
          label={t`Who may create projects`}
          choices={[
            { value: "everyone", label: t`Everyone who is signed in` },
            { value: "adminonly", label: t`Administrators only` },
          ]}
        />
        <p className={classes.dim}>
          <Trans>
            Passwords have 8 to 128 characters, with a digit, a small and a capital letter. After
            five wrong ones in a row an account has to wait, a second at first and up to 15 minutes.
            Both are fixed.
          </Trans>
        </p>
      </div>
    </fieldset>
  );
}

function Sessions({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Sessions and tokens</Trans>
      </legend>
      <Fields>
        <NumberSetting
          draft={draft}
          name="session_timeout"
          label={t`A session ends unused after minutes`}
        />
        <NumberSetting draft={draft} name="session_lifetime" label={t`However busy, after hours`} />
        <NumberSetting
          draft={draft}
          name="token_expiration"
          label={t`A docker token lives for minutes`}
        />
      </Fields>
    </fieldset>
  );
}

function Robots({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Robots</Trans>
      </legend>
      <Fields>
        <TextSetting
          draft={draft}
          name="robot_name_prefix"
          label={t`Their names begin with`}
          description={t`Names with the former beginning go on working.`}
        />
        <NumberSetting
          draft={draft}
          name="robot_token_duration"
          label={t`Days that a robot lives`}
          description={t`Proposed for new ones.`}
        />
      </Fields>
    </fieldset>
  );
}
