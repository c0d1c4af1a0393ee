import { Trans, useLingui } from "@lingui/react/macro";
import { Radio } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { type Mode, useSetMode } from "./queries";
import classes from "./retention.module.css";

interface Props {
  project: string;
  mode: Mode;
}

/** What the registry's default policy is for a project. */
export function ModeSection({ project, mode }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const set = useSetMode(project);
  const [chosen, setChosen] = useState<Mode>();
  const shown = chosen ?? mode;

  function submit() {
    set.mutate(shown, {
      onSuccess: () => {
        setChosen(undefined);
        say(t`What the default policy is for ${project} was saved.`, () => set.mutateAsync(mode));
      },
    });
  }

  return (
    <Section title={t`The registry's default policy`}>
      <Form
        onSubmit={submit}
        action={t`Save choice`}
        busy={set.isPending}
        disabled={shown === mode}
        error={set.error}
        failed={t`The choice was not saved.`}
      >
        <Radio.Group
          label={t`Administrators can make a policy for all projects. In this one it holds`}
          value={shown}
          onChange={(value) => setChosen(value as Mode)}
        >
          <div className={classes.modes}>
            <Radio value="unless_own" label={t`as long as the project has no policy of its own`} />
            <Radio value="besides" label={t`besides the project's own: what either keeps stays`} />
            <Radio value="never" label={t`never`} />
          </div>
        </Radio.Group>
        {shown === "never" && mode !== "never" && (
          <p className={classes.facts}>
            <Trans>What goes on here by the default policy is stopped.</Trans>
          </p>
        )}
      </Form>
    </Section>
  );
}
