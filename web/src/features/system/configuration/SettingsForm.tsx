import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Form, Fields as SideBySide } from "../../../ui/Form";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { changesOf, type Draft, draftOf } from "./draft";
import { type Configuration, useConfiguration, useSaveConfiguration } from "./queries";
import { SettingField } from "./SettingField";
import type { Setting } from "./settings";

/** Some settings of the registry, saved together. */
export function SettingsForm({ settings }: { settings: Setting[] }) {
  const { t } = useLingui();
  const configuration = useConfiguration();
  return (
    <Shown query={configuration} what={t`The settings can't be shown.`}>
      {(now) => <Fields settings={settings} now={now} />}
    </Shown>
  );
}

function Fields({ settings, now }: { settings: Setting[]; now: Configuration }) {
  const { t } = useLingui();
  const [typed, setTyped] = useState<Draft>({});
  const save = useSaveConfiguration();
  const draft = { ...draftOf(settings, now), ...typed };
  const changes = changesOf(settings, now, draft);
  const fixed = settings.every(({ key }) => now[key]?.editable === false);
  const field = (setting: Setting) => (
    <SettingField
      key={setting.key}
      setting={setting}
      draft={draft}
      fixed={now[setting.key]?.editable === false}
      onChange={(value) => {
        save.reset();
        setTyped({ ...typed, [setting.key]: value });
      }}
    />
  );
  const numbers = settings.filter(({ form }) => form === "number");
  const fields = (
    <>
      {numbers.length > 0 && <SideBySide>{numbers.map(field)}</SideBySide>}
      {settings.filter(({ form }) => form !== "number").map(field)}
    </>
  );
  if (fixed)
    return (
      <div className={classes.stack}>
        <p className={classes.warning}>
          <Trans>
            These settings are fixed from outside (config_overwrite_json): change them where Haven
            is started.
          </Trans>
        </p>
        {fields}
      </div>
    );
  return (
    <Form
      action={t`Save settings`}
      busy={save.isPending}
      disabled={!changes || Object.keys(changes).length === 0}
      error={save.error}
      failed={t`The settings stay as they were.`}
      done={save.isSuccess ? t`The settings are saved.` : undefined}
      onSubmit={() => changes && save.mutate(changes, { onSuccess: () => setTyped({}) })}
    >
      {fields}
    </Form>
  );
}
