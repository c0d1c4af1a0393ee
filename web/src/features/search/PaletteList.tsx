import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useEffect, useRef } from "react";
import type { Hit, Kind } from "./hits";
import classes from "./Palette.module.css";
import { lineId, listId } from "./PaletteField";

const titles: Record<Kind, MessageDescriptor> = {
  recent: msg`Recent`,
  projects: msg`Projects`,
  repositories: msg`Repositories`,
  tags: msg`Tags`,
  artifacts: msg`Artifacts`,
  labels: msg`Labels`,
  vulnerabilities: msg`Vulnerabilities`,
  packages: msg`Packages`,
  users: msg`Users`,
  pages: msg`Pages`,
  actions: msg`Actions`,
};

interface Props {
  hits: Hit[];
  active: number;
  text: string;
  asking: boolean;
  onPoint: (index: number) => void;
  onChoose: (hit: Hit, aside?: boolean) => void;
}

/** What was found, in groups; one line is the one that Enter takes. */
export function PaletteList({ hits, active, text, asking, onPoint, onChoose }: Props) {
  const { t, i18n } = useLingui();
  const list = useRef<HTMLDivElement>(null);
  const kinds = [...new Set(hits.map((hit) => hit.kind))];

  useEffect(() => {
    list.current?.querySelector(`#${lineId(active)}`)?.scrollIntoView?.({ block: "nearest" });
  }, [active]);

  return (
    <>
      <div id={listId} className={classes.list} role="listbox" aria-label={t`Found`} ref={list}>
        {kinds.map((kind) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset has no place in a listbox
          <div key={kind} role="group" aria-label={i18n._(titles[kind])}>
            <p className={classes.kind} aria-hidden>
              {i18n._(titles[kind])}
            </p>
            {hits.map((hit, index) =>
              hit.kind === kind ? (
                // biome-ignore lint/a11y/useFocusableInteractive: the field above keeps the focus
                // biome-ignore lint/a11y/useKeyWithClickEvents: Enter is the field's
                <div
                  key={hit.key}
                  id={lineId(index)}
                  className={classes.line}
                  role="option"
                  aria-selected={index === active}
                  onMouseMove={() => index !== active && onPoint(index)}
                  onClick={(event) => onChoose(hit, event.ctrlKey || event.metaKey)}
                >
                  <span className={hit.exact ? classes.exact : classes.title}>{hit.title}</span>
                  {hit.note && <span className={classes.note}>{hit.note}</span>}
                </div>
              ) : null,
            )}
          </div>
        ))}
      </div>
      <p className={hits.length > 0 ? "visually-hidden" : classes.nothing} role="status">
        {hits.length > 0 && <Plural value={hits.length} one="# result" other="# results" />}
        {hits.length === 0 && asking && <Trans>Searching</Trans>}
        {hits.length === 0 && !asking && (
          <Trans>
            Nothing that you may see is called {text}. Try the beginning of a name, or paste a
            digest.
          </Trans>
        )}
      </p>
      <p className={classes.keys} aria-hidden>
        <kbd>↑</kbd> <kbd>↓</kbd> <Trans>choose</Trans> <kbd>Enter</kbd> <Trans>open</Trans>{" "}
        <kbd>Esc</kbd> <Trans>close</Trans>
      </p>
    </>
  );
}
