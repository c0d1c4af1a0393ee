import { useLingui } from "@lingui/react/macro";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useEffectEvent, useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { linkTo } from "../../ui/destination";
import { Failed } from "../../ui/states";
import { useProvider } from "../session/queries";
import type { Hit } from "./hits";
import { PaletteField } from "./PaletteField";
import { PaletteList } from "./PaletteList";
import { useHits } from "./useHits";

interface Props {
  opened: boolean;
  onClose: () => void;
  onCreateProject: () => void;
}

/** Finds everything while one types: a field and the list that it commands. */
export function Palette({ opened, onClose, onCreateProject }: Props) {
  const { t } = useLingui();
  return (
    <Dialog title={t`Search`} opened={opened} onClose={onClose} size={640} top>
      <Search onClose={onClose} onCreateProject={onCreateProject} />
    </Dialog>
  );
}

function Search({ onClose, onCreateProject }: Omit<Props, "opened">) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const router = useRouter();
  const provider = useProvider();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const [awaited, setAwaited] = useState(false);
  const { hits, asking, error } = useHits(text, {
    createProject: onCreateProject,
    leave: () => navigate({ to: provider?.primary ? "/account/sign-in" : "/" }),
  });
  const active = Math.min(chosen, hits.length - 1);

  function go(hit: Hit | undefined, aside = false) {
    if (!hit) return;
    if (hit.place && aside) {
      window.open(router.buildLocation(linkTo(hit.place) as never).href, "_blank", "noopener");
      return;
    }
    onClose();
    if (hit.place) navigate(linkTo(hit.place) as never);
    hit.act?.();
  }

  // Who pastes and presses Enter at once means what is about to be found.
  const first = useEffectEvent(() => {
    setAwaited(false);
    go(hits[0]);
  });
  useEffect(() => {
    if (awaited && !asking) first();
  }, [awaited, asking]);

  function press(event: KeyboardEvent) {
    const to = {
      ArrowDown: (active + 1) % hits.length,
      ArrowUp: (active - 1 + hits.length) % hits.length,
      PageDown: Math.min(active + 8, hits.length - 1),
      PageUp: Math.max(active - 8, 0),
    }[event.key];
    if (to !== undefined && hits.length > 0) {
      event.preventDefault();
      setChosen(to);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (asking && chosen === 0) setAwaited(true);
      else go(hits[active], event.ctrlKey || event.metaKey);
    }
  }

  return (
    <>
      <PaletteField
        value={text}
        active={hits[active] ? active : undefined}
        onChange={(next) => {
          setText(next);
          setChosen(0);
          setAwaited(false);
        }}
        onKeyDown={press}
      />
      {error !== undefined && <Failed what={t`The search failed.`} error={error} />}
      <PaletteList
        hits={hits}
        active={active}
        text={text.trim()}
        asking={asking}
        onPoint={setChosen}
        onChoose={go}
      />
    </>
  );
}
