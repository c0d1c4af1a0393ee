import { Garbage } from "./Garbage";
import { Purge } from "./Purge";
import { Space } from "./Space";
import { Trash } from "./Trash";

/** How much room there is, what takes it, and how it comes back. */
export function StoragePage() {
  return (
    <>
      <Space />
      <Garbage />
      <Trash />
      <Purge />
    </>
  );
}
