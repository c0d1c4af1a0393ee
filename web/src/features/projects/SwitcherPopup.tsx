import { Trans, useLingui } from "@lingui/react/macro";
import { Popover, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconCheck, IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { cloneElement, type KeyboardEvent, useRef, useState } from "react";
import type { PopupProps } from "../../ui/useOnDemand";
import classes from "./ProjectSwitcher.module.css";
import { useFoundProjects } from "./queries";

/** Finds another project while typing. */
export function SwitcherPopup({ button, opened, onChange, here }: PopupProps & { here: string }) {
  const { t } = useLingui();
  return (
    <Popover opened={opened} onChange={onChange} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        {cloneElement(button, { onClick: () => onChange(!opened) } as object)}
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown} aria-label={t`Switch project`}>
        <Finder here={here} onChosen={() => onChange(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

/** Moves the focus along the links by the arrows. */
function step(event: KeyboardEvent<HTMLElement>, box: HTMLElement | null) {
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!way || !box) return;
  event.preventDefault();
  const stops = [...box.querySelectorAll<HTMLElement>("input, a")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  stops[(at + way + stops.length) % stops.length]?.focus();
}

function Finder({ here, onChosen }: { here: string; onChosen: () => void }) {
  const { t } = useLingui();
  const box = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const [q] = useDebouncedValue(text, 150);
  const found = useFoundProjects(q);
  // What was found for the text before goes on standing there, as far as it still fits.
  const items = (found.data?.items ?? []).filter((project) =>
    project.name?.includes(text.trim().toLowerCase()),
  );

  function enter(event: KeyboardEvent<HTMLElement>) {
    if (event.key === "Enter") box.current?.querySelector<HTMLElement>("a")?.click();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrows are for what is in it
    <div ref={box} onKeyDown={(event) => step(event, box.current)}>
      <TextInput
        data-autofocus
        type="search"
        aria-label={t`Find a project`}
        placeholder={t`Find a project`}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={enter}
      />
      <ul className={classes.list}>
        {items.map((project) => (
          <li key={project.project_id}>
            <Link
              to="/p/$project"
              params={{ project: project.name ?? "" }}
              className={classes.link}
              onClick={onChosen}
            >
              {project.name}
              {project.name === here && <IconCheck size={16} aria-label={t`this one`} />}
            </Link>
          </li>
        ))}
      </ul>
      <p role="status" className={classes.note}>
        {found.isError && <Trans>The projects can't be listed.</Trans>}
        {found.data?.total === 0 && <Trans>No project has this in its name.</Trans>}
        {(found.data?.total ?? 0) > (found.data?.items.length ?? 0) && (
          <Trans>There are more: type to find one.</Trans>
        )}
      </p>
    </div>
  );
}
