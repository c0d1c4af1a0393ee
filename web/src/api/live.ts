import { useEffect, useRef, useState } from "react";

/** How news come: by a stream, by asking again and again, or not any more. */
export type Liveness = "live" | "polling" | "ended";

interface Options {
  /** The address of a stream of server-sent events; nothing while there is none to listen to. */
  address: string | undefined;
  /** What to do with each kind of event; `id` says where to go on. */
  on: Record<string, (data: string, id: string) => void>;
  /** Asks once, where the stream can't be had. Returns whether there will be more. */
  poll: () => Promise<boolean>;
  /** Milliseconds between two polls. */
  every?: number;
}

/** After so many failures in a row the stream is given up. The server closes streams now and then: one is none. */
const mostFailures = 3;

/**
 * Listens to a stream of the server until its `end`, and polls where something between us and the server lets no
 * stream through. A page that isn't shown doesn't listen: browsers have few connections for all of its tabs.
 */
export function useLive({ address, on, poll, every = 2000 }: Options): Liveness {
  const [how, setHow] = useState<Liveness>("live");
  const latest = useRef({ on, poll });
  latest.current = { on, poll };
  const kinds = Object.keys(on).join(" ");

  useEffect(() => {
    if (!address) return;
    setHow("live");
    return listen(address, kinds.split(" "), latest, every, setHow);
  }, [address, kinds, every]);

  return address ? how : "ended";
}

type Latest = { readonly current: Pick<Options, "on" | "poll"> };

function listen(
  address: string,
  kinds: string[],
  latest: Latest,
  every: number,
  tell: (how: Liveness) => void,
): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let over = false;

  function close() {
    source?.close();
    source = undefined;
    clearTimeout(timer);
  }

  function end() {
    over = true;
    close();
    tell("ended");
  }

  async function ask() {
    const more = await latest.current.poll().catch(() => true);
    if (over || document.hidden) return;
    if (!more) end();
    else timer = setTimeout(ask, every);
  }

  function fallBack() {
    close();
    tell("polling");
    void ask();
  }

  function open() {
    if (typeof EventSource === "undefined") return fallBack();
    source = new EventSource(address);
    for (const kind of new Set([...kinds, "end"])) {
      source.addEventListener(kind, (event) => {
        failures = 0;
        latest.current.on[kind]?.(event.data, event.lastEventId);
        if (kind === "end") end();
      });
    }
    source.onerror = () => {
      failures += 1;
      const refused = source?.readyState === EventSource.CLOSED;
      if (!over && (refused || failures >= mostFailures)) fallBack();
    };
  }

  function look() {
    if (over) return;
    close();
    failures = 0;
    if (!document.hidden) open();
  }

  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", look);
    close();
  };
}
