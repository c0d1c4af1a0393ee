import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { asProblem } from "../../../api/problem";
import { Command } from "../../../ui/Command";
import { Fields, Form } from "../../../ui/Form";
import classes from "../identity.module.css";
import { LongSetting, SecretSetting, TextSetting, TruthSetting } from "../SettingFields";
import { type Draft, type Settings, useDraft, useSaveSettings } from "../settings";
import { useTryProvider } from "./queries";
import { StepList } from "./StepList";

/** The OpenID provider by which people sign in. */
export function ProviderPart({ settings }: { settings: Settings }) {
  const { t } = useLingui();
  const draft = useDraft(settings);
  const save = useSaveSettings();
  const { button, result } = useProviderTest(draft);
  return (
    <div className={classes.stack}>
      <Addresses />
      <Form
        action={t`Save provider`}
        onSubmit={() => save.mutate(draft.changes, { onSuccess: draft.forget })}
        busy={save.isPending}
        disabled={!draft.changed}
        error={save.error}
        failed={t`The provider was not saved.`}
        done={save.isSuccess && !draft.changed ? t`Saved.` : undefined}
        more={button}
      >
        <Server draft={draft} />
        <People draft={draft} />
        <Groups draft={draft} />
      </Form>
      {result}
    </div>
  );
}

/** What the provider has to know of this registry. */
function Addresses() {
  const { t } = useLingui();
  const own = window.location.origin;
  const all = [
    { title: t`Redirect URI`, path: "/c/oidc/callback" },
    { title: t`Post-logout redirect URI`, path: "/account/sign-in" },
    { title: t`Back-channel logout URI`, path: "/c/oidc/backchannel" },
  ];
  return (
    <details className={classes.more}>
      <summary>
        <Trans>What to register at the provider</Trans>
      </summary>
      <div className={classes.tight}>
        <p className={classes.dim}>
          <Trans>
            A client of the authorization code flow with refresh tokens, and these addresses:
          </Trans>
        </p>
        {all.map(({ title, path }) => (
          <div key={path}>
            <p>{title}</p>
            <Command text={own + path} />
          </div>
        ))}
      </div>
    </details>
  );
}

function useProviderTest(draft: Draft) {
  const { t } = useLingui();
  const trial = useTryProvider();
  const url = draft.text("oidc_endpoint").trim();
  const button = (
    <Button
      variant="default"
      loading={trial.isPending}
      disabled={url === ""}
      onClick={() => trial.mutate({ url, verify_cert: draft.value("oidc_verify_cert") === true })}
    >
      <Trans>Test the provider</Trans>
    </Button>
  );
  const why = trial.isError ? asProblem(trial.error).message : "";
  const result = (
    <div role="status">
      {(trial.isError || trial.isSuccess) && (
        <StepList
          steps={[
            {
              title: t`Reach the provider and read its description`,
              outcome: trial.isError ? "failed" : "done",
              ...(why && { why: why.replace(/^failed to verify connection: /, "") }),
            },
            { title: t`Sign in with client id and secret`, outcome: "untried" },
          ]}
        />
      )}
      {trial.isSuccess && (
        <p>
          <Trans>Id and secret show whether they are right when somebody signs in.</Trans>
        </p>
      )}
    </div>
  );
  return { button, result };
}

function Server({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>Provider</Trans>
      </legend>
      <div className={classes.form}>
        <Fields>
          <TextSetting
            draft={draft}
            name="oidc_name"
            label={t`Name on the sign-in button`}
            placeholder="Example Inc."
          />
          <TextSetting
            draft={draft}
            name="oidc_endpoint"
            label={t`Issuer`}
            placeholder="https://id.example.com/realms/staff"
          />
        </Fields>
        <Fields>
          <TextSetting draft={draft} name="oidc_client_id" label={t`Client id`} />
          <SecretSetting draft={draft} name="oidc_client_secret" label={t`Client secret`} />
        </Fields>
        <TextSetting
          draft={draft}
          name="oidc_scope"
          label={t`Scopes`}
          placeholder="openid,profile,email,offline_access"
          description={t`With offline_access the registry learns who has left.`}
        />
        <details className={classes.more}>
          <summary>
            <Trans>Certificate, parameters, sign-out</Trans>
          </summary>
          <div className={classes.form}>
            <TruthSetting
              draft={draft}
              name="oidc_verify_cert"
              label={t`Check the provider's certificate`}
            />
            <TruthSetting
              draft={draft}
              name="oidc_logout"
              label={t`Signing out here signs out there, too`}
            />
            <LongSetting
              draft={draft}
              name="oidc_extra_redirect_parms"
              label={t`More parameters for the provider's page`}
              description={t`A JSON object, such as {"prompt":"login"}.`}
            />
          </div>
        </details>
      </div>
    </fieldset>
  );
}

function People({ draft }: { draft: Draft }) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>People</Trans>
      </legend>
      <div className={classes.form}>
        <TextSetting
          draft={draft}
          name="oidc_user_claim"
          label={t`Claim with the user name`}
          placeholder="preferred_username"
        />
        <TruthSetting
          draft={draft}
          name="oidc_auto_onboard"
          label={t`Make the account at the first sign-in`}
          description={t`Else people choose a user name on a page.`}
        />
      </div>
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
      <Fields>
        <TextSetting
          draft={draft}
          name="oidc_groups_claim"
          label={t`Claim with the groups`}
          placeholder="groups"
        />
        <TextSetting
          draft={draft}
          name="oidc_group_filter"
          label={t`Only groups that match`}
          placeholder="^registry-"
        />
        <TextSetting
          draft={draft}
          name="oidc_admin_group"
          label={t`Group of the administrators`}
          placeholder="registry-admins"
        />
      </Fields>
    </fieldset>
  );
}
