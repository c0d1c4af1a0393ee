import { useQueryClient } from "@tanstack/react-query";

/**
 * Has all whose keys begin with one of these asked for anew. Nobody waits for the answers: whoever made the change
 * is told of it before the row or the question that they made it in may be gone with them. A form that goes back to
 * showing what is stored waits instead, by returning what invalidateQueries returns.
 */
export function useRenew(...keys: string[]): () => void {
  const client = useQueryClient();
  return () =>
    void client.invalidateQueries({
      predicate: ({ queryKey }) => keys.includes(String(queryKey[0])),
    });
}
