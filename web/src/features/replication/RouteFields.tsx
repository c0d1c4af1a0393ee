import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Fields } from "../../ui/Form";
import { Failed } from "../../ui/states";
import type { PartProps } from "./PolicyForm";
import { type Registry, useRegistries } from "./queries";
import classes from "./replication.module.css";

/** From where to where images go, and what they are called there. */
export function RouteFields({ draft, wrong, change }: PartProps) {
  const { t } = useLingui();
  const registries = useRegistries();
  const choices = [{ value: "0", label: t`This registry` }, ...(registries.data ?? []).map(choice)];
  return (
    <fieldset className={classes.fieldset}>
      <legend>
        <Trans>From where to where</Trans>
      </legend>
      {registries.isError && (
        <Failed
          what={t`The registries can't be listed.`}
          error={registries.error}
          retry={() => registries.refetch()}
        />
      )}
      {registries.data?.length === 0 && (
        <p>
          <Trans>
            No registry elsewhere is known yet. <Link to="/admin">Administration</Link> keeps them.
          </Trans>
        </p>
      )}
      <Fields>
        <NativeSelect
          label={t`Source`}
          data={choices}
          value={String(draft.source)}
          onChange={(event) => change({ source: Number(event.currentTarget.value) })}
        />
        <NativeSelect
          label={t`Destination`}
          data={choices}
          value={String(draft.destination)}
          error={wrong("registries") && t`Choose two different registries.`}
          onChange={(event) => change({ destination: Number(event.currentTarget.value) })}
        />
      </Fields>
      <Fields>
        <TextInput
          label={t`Namespace at the destination`}
          description={t`Empty keeps the names as they are`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={draft.namespace}
          onChange={(event) => change({ namespace: event.currentTarget.value })}
        />
        <NativeSelect
          label={t`It takes the place of`}
          description={t`Of a name like a/b/c/image`}
          disabled={draft.namespace.trim() === ""}
          data={[
            { value: "-1", label: t`all parts but the last` },
            { value: "0", label: t`nothing: it is put in front` },
            { value: "1", label: t`the first part` },
            { value: "2", label: t`the first two parts` },
            { value: "3", label: t`the first three parts` },
            ...(draft.replace > 3
              ? [{ value: String(draft.replace), label: t`the first ${draft.replace} parts` }]
              : []),
          ]}
          value={String(draft.replace)}
          onChange={(event) => change({ replace: Number(event.currentTarget.value) })}
        />
      </Fields>
    </fieldset>
  );
}

function choice(registry: Registry) {
  return { value: String(registry.id), label: `${registry.name} (${registry.url})` };
}
