import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, NumberInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import { PatternField } from "./PatternField";
import { PatternHelp } from "./PatternHelp";
import { useTemplates } from "./queries";
import {
  isExcluding,
  isNumber,
  mostNumber,
  numberOf,
  type Rule,
  repositoriesOf,
  type Template,
  tagChoice,
  templateOf,
  templates,
  withRepositories,
  withTags,
  withTemplate,
} from "./rule";

interface Props {
  rule: Rule;
  onChange: (rule: Rule) => void;
}

/** The fields of a rule; each change shows in the preview at once. */
export function RuleForm({ rule, onChange }: Props) {
  const { t } = useLingui();
  const template = templateOf(rule);
  const options = useOptions(template);
  const repositories = repositoriesOf(rule)[0];
  const tags = tagChoice(rule);
  return (
    <>
      <Fields>
        <NativeSelect
          label={t`Keep`}
          data={options}
          value={template}
          onChange={(event) => onChange(withTemplate(rule, event.currentTarget.value as Template))}
        />
        {templates[template] !== "none" && <NumberField rule={rule} onChange={onChange} />}
      </Fields>
      <PatternField
        label={t`Repositories`}
        excluding={isExcluding(repositories)}
        pattern={repositories?.pattern ?? ""}
        onChange={(excluding, pattern) => onChange(withRepositories(rule, excluding, pattern))}
      />
      <PatternField
        label={t`Tags`}
        excluding={tags.excluding}
        pattern={tags.pattern}
        onChange={(excluding, pattern) => onChange(withTags(rule, { ...tags, excluding, pattern }))}
      />
      <Checkbox
        label={t`Count artifacts without a tag, too`}
        checked={tags.untagged}
        onChange={(event) =>
          onChange(withTags(rule, { ...tags, untagged: event.currentTarget.checked }))
        }
      />
      <PatternHelp />
    </>
  );
}

/** The templates that the server offers, and the rule's own where it isn't among them. */
function useOptions(own: Template): { value: Template; label: string }[] {
  const { t } = useLingui();
  const offered = useTemplates().data ?? [];
  const words: Record<Template, string> = {
    latestPushedK: t`those pushed last, so many`,
    latestPulledN: t`those pulled last, so many`,
    nDaysSinceLastPush: t`what was pushed in the last days`,
    nDaysSinceLastPull: t`what was pulled in the last days`,
    always: t`everything that matches`,
    latestActiveK: t`those pushed or pulled last, so many`,
    lastXDays: t`what was pushed in the last days`,
    nothing: t`nothing`,
  };
  return (Object.keys(words) as Template[])
    .filter((each) => each === own || offered.includes(each))
    .map((value) => ({ value, label: words[value] }));
}

function NumberField({ rule, onChange }: Props) {
  const { t } = useLingui();
  const template = templateOf(rule);
  const number = numberOf(rule);
  return (
    <NumberInput
      label={templates[template] === "days" ? t`Days` : t`How many`}
      allowDecimal={false}
      allowNegative={false}
      value={number}
      error={!isNumber(number) && t`A whole number from 0 to ${mostNumber}.`}
      onChange={(value) => onChange(withTemplate(rule, template, Number(value)))}
    />
  );
}
