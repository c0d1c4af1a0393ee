import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { AddProject } from "./AddProject";
import { Matrix } from "./Matrix";
import classes from "./Places.module.css";
import { type Permission, type Place, type Preset, presetOf, presetRights } from "./rights";

interface Props {
  places: Place[];
  onChange: (places: Place[]) => void;
  offered: { system: Permission[]; project: Permission[] };
}

/** Where a program may act, and what it may do there: the registry, all projects, some. */
export function Places({ places, onChange, offered }: Props) {
  const { t } = useLingui();
  const has = (kind: string, namespace: string) =>
    places.some((place) => place.kind === kind && place.namespace === namespace);

  function add(kind: Place["kind"], namespace: string) {
    if (has(kind, namespace)) return;
    const rights = kind === "project" ? presetRights("pull", offered.project) : new Set<string>();
    onChange([...places, { kind, namespace, rights }]);
  }

  return (
    <div className={classes.stack}>
      {places.length === 0 && (
        <p className={classes.dim}>
          <Trans>It may do nothing yet. Say where it is to act.</Trans>
        </p>
      )}
      {places.map((place) => (
        <PlaceRights
          key={`${place.kind} ${place.namespace}`}
          place={place}
          offered={offered[place.kind]}
          onChange={(rights) =>
            onChange(places.map((each) => (each === place ? { ...place, rights } : each)))
          }
          onRemove={() => onChange(places.filter((each) => each !== place))}
        />
      ))}
      <div className={classes.bar}>
        <AddProject onAdd={(name) => add("project", name)} />
        {!has("project", "*") && (
          <Button variant="default" onClick={() => add("project", "*")}>
            {t`Add all projects`}
          </Button>
        )}
        {!has("system", "/") && offered.system.length > 0 && (
          <Button variant="default" onClick={() => add("system", "/")}>
            {t`Add the registry`}
          </Button>
        )}
      </div>
    </div>
  );
}

interface PlaceProps {
  place: Place;
  offered: Permission[];
  onChange: (rights: ReadonlySet<string>) => void;
  onRemove?: () => void;
}

/** What is allowed in one place: a preset, or right by right. */
export function PlaceRights({ place, offered, onChange, onRemove }: PlaceProps) {
  const { t } = useLingui();
  const title =
    place.kind === "system"
      ? t`The registry`
      : place.namespace === "*"
        ? t`All projects`
        : place.namespace;
  const [open, setOpen] = useState(() => {
    const preset = presetOf(place.rights, offered);
    return !preset || preset === "none";
  });
  return (
    <section className={classes.place} aria-label={title}>
      <div className={classes.bar}>
        <strong>{title}</strong>
        <span className={classes.count}>
          <Plural value={place.rights.size} one="# right" other="# rights" />
        </span>
      </div>
      <div className={classes.bar}>
        {place.kind === "project" && (
          <Presets place={title} rights={place.rights} offered={offered} onChange={onChange} />
        )}
        {onRemove && (
          <Button variant="default" size="xs" aria-label={t`Remove ${title}`} onClick={onRemove}>
            <Trans>Remove</Trans>
          </Button>
        )}
      </div>
      <details
        className={classes.more}
        open={open}
        onToggle={(event) => setOpen(event.currentTarget.open)}
      >
        <summary>
          <Trans>Right by right</Trans>
        </summary>
        <Matrix offered={offered} chosen={place.rights} onChange={onChange} />
      </details>
    </section>
  );
}

interface PresetsProps {
  place: string;
  rights: ReadonlySet<string>;
  offered: Permission[];
  onChange: (rights: ReadonlySet<string>) => void;
}

function Presets({ place, rights, offered, onChange }: PresetsProps) {
  const { t } = useLingui();
  const data: { value: Preset | "own"; label: string }[] = [
    { value: "pull", label: t`Pull` },
    { value: "push", label: t`Pull and push` },
    { value: "everything", label: t`Everything` },
  ];
  const now = presetOf(rights, offered);
  if (!now || now === "none") data.push({ value: "own", label: t`Chosen below` });
  return (
    <NativeSelect
      size="xs"
      aria-label={t`What it may do in ${place}`}
      data={data}
      value={now && now !== "none" ? now : "own"}
      onChange={(event) => {
        const next = event.currentTarget.value;
        if (next !== "own") onChange(presetRights(next as Preset, offered));
      }}
    />
  );
}
