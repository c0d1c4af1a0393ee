import { useLingui } from "@lingui/react/macro";
import { Checkbox, NumberInput, Radio } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { DurationField } from "./DurationField";
import classes from "./proxy.module.css";
import { type ProxyPolicy, useSaveProxyPolicy } from "./queries";

interface Props {
  project: string;
  stored: ProxyPolicy;
  readOnly: boolean;
}

/** When the registry is asked, how fast moves of tags are followed, and how long is kept what came. */
export function PolicyForm({ project, stored, readOnly }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSaveProxyPolicy(project);
  const [draft, setDraft] = useState<ProxyPolicy>();
  const policy = draft ?? stored;
  const change = (part: Partial<ProxyPolicy>) => setDraft({ ...policy, ...part });
  const late = policy.freshness === "max_age" && policy.max_age_seconds <= 0;

  function submit() {
    save.mutate(policy, {
      onSuccess: () => {
        setDraft(undefined);
        say(t`The settings of the cache were saved.`, () => save.mutateAsync(stored));
      },
    });
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Save settings of the cache`}
      busy={save.isPending}
      disabled={readOnly || late || !draft || JSON.stringify(draft) === JSON.stringify(stored)}
      error={save.error}
      failed={t`The settings of the cache were not saved.`}
    >
      <fieldset className={classes.fieldset} disabled={readOnly}>
        <Freshness policy={policy} change={change} />
        <DurationField
          label={t`Follow a tag that moved after`}
          description={t`Until then it means what it meant; by digest the new image can be had at once.`}
          seconds={policy.minimum_age_seconds}
          onChange={(minimum_age_seconds) => change({ minimum_age_seconds })}
        />
        <Checkbox
          label={t`Scan images before anybody gets them`}
          description={t`An image is fetched whole first. Who asks waits up to 20 seconds, and is told to come again then. One whose scan failed is refused.`}
          checked={policy.scan_before_serve}
          onChange={(event) => change({ scan_before_serve: event.currentTarget.checked })}
        />
        <NumberInput
          label={t`Days to keep what nobody pulls`}
          description={t`0: for ever. What goes comes again with the next pull, as long as the registry has it.`}
          allowDecimal={false}
          allowNegative={false}
          max={36_500}
          clampBehavior="strict"
          value={policy.keep_days}
          onChange={(value) => change({ keep_days: Number(value) })}
        />
      </fieldset>
    </Form>
  );
}

interface FreshnessProps {
  policy: ProxyPolicy;
  change: (part: Partial<ProxyPolicy>) => void;
}

function Freshness({ policy, change }: FreshnessProps) {
  const { t } = useLingui();
  return (
    <>
      <Radio.Group
        label={t`The registry is asked what a tag means`}
        value={policy.freshness}
        onChange={(value) => change({ freshness: value as ProxyPolicy["freshness"] })}
      >
        <div className={classes.choices}>
          <Radio
            value="always"
            label={t`with each pull by a tag`}
            description={t`It has two seconds. Where it doesn't answer, what is here is served.`}
          />
          <Radio
            value="max_age"
            label={t`when its last answer is old`}
            description={t`Fewer questions, for registries that count them.`}
          />
          <Radio
            value="offline"
            label={t`never`}
            description={t`Tags mean what they meant. What isn't here is refused.`}
          />
        </div>
      </Radio.Group>
      {policy.freshness === "max_age" && (
        <DurationField
          label={t`An answer is old after`}
          seconds={policy.max_age_seconds}
          onChange={(max_age_seconds) => change({ max_age_seconds })}
        />
      )}
    </>
  );
}
