import { type ComponentType, type ReactElement, useEffect, useRef, useState } from "react";

/** What pops up from a button: it is given the button, and whether it is open. */
export interface PopupProps {
  button: ReactElement;
  opened: boolean;
  onChange: (opened: boolean) => void;
}

/**
 * Something that pops up from a button, whose code is loaded when somebody goes for the button. Until
 * then the button stands alone; then it is given to the popup, which opens as if it had been there.
 */
export function useOnDemand<P extends PopupProps>(load: () => Promise<ComponentType<P>>) {
  const [Popup, setPopup] = useState<ComponentType<P>>();
  const [opened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!Popup) return;
    button.current?.focus();
    setOpened(true);
  }, [Popup]);

  const press = () => load().then((popup) => setPopup(() => popup));
  return {
    Popup,
    popup: { opened, onChange: setOpened },
    button: {
      ref: button,
      onPointerEnter: () => void load(),
      ...(!Popup && { onClick: () => void press() }),
    },
  };
}
