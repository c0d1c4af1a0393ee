import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { Fields, Form } from "../../../ui/Form";
import { Failed, Loading } from "../../../ui/states";
import { PlaceRights, Places } from "../../robots/Places";
import { type Offered, useOffered } from "../../robots/queries";
import { placesFor } from "../../robots/rights";
import classes from "../identity.module.css";
import { draftOf, isReady, type Typed } from "./draft";
import type { Draft } from "./queries";
import { TokenFields } from "./TokenFields";
import { templates } from "./templates";

interface Props {
  typed: Typed;
  onChange: (typed: Typed) => void;
  onSave: (draft: Draft) => void;
  action: string;
  busy: boolean;
  error: unknown;
  failed: string;
  /** The policy is there already: its project stays. */
  exists?: boolean;
}

/** A policy: which tokens, and what they are good for. */
export function PolicyForm(props: Props) {
  const { typed, onChange, onSave, action, busy, error, failed, exists = false } = props;
  const { t } = useLingui();
  const offered = useOffered();
  const places = placesFor(typed.project.trim(), typed.places, offered.data?.project ?? []);
  const draft = draftOf(typed, places);
  const ready = isReady(draft);
  return (
    <Form
      wide
      action={action}
      onSubmit={() => ready && onSave(draft)}
      busy={busy}
      disabled={!ready}
      error={error}
      failed={failed}
    >
      {!exists && <Templates typed={typed} onChange={onChange} />}
      <Names typed={typed} onChange={onChange} exists={exists} />
      <TokenFields typed={typed} onChange={onChange} />
      <div className={classes.tight}>
        <h3>
          <Trans>What they may do</Trans>
        </h3>
        {offered.isPending && <Loading rows={3} />}
        {offered.isError && (
          <Failed
            what={t`It is unknown what a policy may grant.`}
            error={offered.error}
            retry={() => offered.refetch()}
          />
        )}
        {offered.data && (
          <Granted
            typed={typed}
            places={places}
            offered={offered.data}
            onChange={(next) => onChange({ ...typed, places: next })}
          />
        )}
      </div>
      <Checkbox
        label={t`In use`}
        description={t`Else it lets nobody in.`}
        checked={typed.enabled}
        onChange={(event) => onChange({ ...typed, enabled: event.currentTarget.checked })}
      />
    </Form>
  );
}

interface PartProps {
  typed: Typed;
  onChange: (typed: Typed) => void;
}

function Templates({ typed, onChange }: PartProps) {
  const { t } = useLingui();
  return (
    // biome-ignore lint/a11y/useSemanticElements: buttons that fill in are no fieldset
    <div className={classes.bar} role="group" aria-label={t`Fill in for`}>
      <span className={classes.dim}>
        <Trans>Fill in for:</Trans>
      </span>
      {templates.map(({ key, name, issuer, condition }) => (
        <Button
          key={key}
          size="xs"
          variant="default"
          onClick={() => onChange({ ...typed, name: typed.name || key, issuer, condition })}
        >
          {name}
        </Button>
      ))}
    </div>
  );
}

function Names({ typed, onChange, exists }: PartProps & { exists: boolean }) {
  const { t } = useLingui();
  const off = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;
  const bad = typed.name !== "" && !/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(typed.name.trim());
  return (
    <Fields>
      <TextInput
        {...off}
        label={t`Name`}
        maxLength={100}
        value={typed.name}
        error={bad ? t`Lower-case letters and digits, parted by single . _ or -` : undefined}
        onChange={(event) => onChange({ ...typed, name: event.currentTarget.value })}
      />
      <TextInput
        {...off}
        label={t`Project`}
        description={t`Empty for one of the registry.`}
        disabled={exists}
        value={typed.project}
        onChange={(event) => onChange({ ...typed, project: event.currentTarget.value })}
      />
      <TextInput
        label={t`What it is for`}
        description={t`May stay empty.`}
        autoComplete="off"
        maxLength={1024}
        value={typed.description}
        onChange={(event) => onChange({ ...typed, description: event.currentTarget.value })}
      />
    </Fields>
  );
}

interface GrantedProps {
  typed: Typed;
  places: Typed["places"];
  offered: Offered;
  onChange: (places: Typed["places"]) => void;
}

function Granted({ typed, places, offered, onChange }: GrantedProps) {
  const [only] = places;
  if (typed.project.trim() && only) {
    return (
      <PlaceRights
        place={only}
        offered={offered.project}
        onChange={(rights) => onChange([{ ...only, rights }])}
      />
    );
  }
  return <Places places={places} offered={offered} onChange={onChange} />;
}
