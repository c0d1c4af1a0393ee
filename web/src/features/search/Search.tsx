import { Trans, useLingui } from "@lingui/react/macro";
import { IconSearch } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { openingSearch } from "./opening";
import classes from "./Palette.module.css";
import { useNoteRecent } from "./useNoteRecent";

const Palette = lazy(() => import("./Palette").then((part) => ({ default: part.Palette })));
const CreateProjectDialog = lazy(() =>
  import("../projects/CreateProject").then((part) => ({ default: part.CreateProjectDialog })),
);

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** Whether a key asks for the search: Ctrl-K or ⌘K anywhere, a slash where nobody types. */
function asksForSearch(event: KeyboardEvent): boolean {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) return true;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const free = !isTyping(event.target) && !document.querySelector('[role="dialog"]');
  return event.key === "/" && plain && free;
}

/** The search of the frame: its button, its keys, and the palette, which is loaded when it is first wanted. */
export function Search() {
  const { t } = useLingui();
  const [opened, setOpened] = useState<boolean>();
  const [creating, setCreating] = useState<boolean>();
  useNoteRecent();

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!asksForSearch(event)) return;
      event.preventDefault();
      setOpened(true);
    };
    const open = () => setOpened(true);
    window.addEventListener("keydown", press);
    window.addEventListener(openingSearch, open);
    return () => {
      window.removeEventListener("keydown", press);
      window.removeEventListener(openingSearch, open);
    };
  }, []);

  return (
    <>
      <button
        type="button"
        className={classes.button}
        aria-label={t`Search`}
        aria-haspopup="dialog"
        aria-keyshortcuts="/ Control+K"
        onClick={() => setOpened(true)}
      >
        <IconSearch size={16} aria-hidden />
        <span>
          <Trans>Search</Trans>
        </span>
        <kbd aria-hidden>/</kbd>
      </button>
      <Suspense fallback={null}>
        {opened !== undefined && (
          <Palette
            opened={opened}
            onClose={() => setOpened(false)}
            onCreateProject={() => setCreating(true)}
          />
        )}
        {creating !== undefined && (
          <CreateProjectDialog opened={creating} onClose={() => setCreating(false)} />
        )}
      </Suspense>
    </>
  );
}
