const letters: Record<string, string> = { lt: "<", gt: ">", amp: "&", "#34": '"', "#39": "'" };

/** A description as somebody wrote it. The API gives it with what HTML has a meaning for escaped, as Harbor does. */
export function written(description: string): string {
  return description.replace(/&(lt|gt|amp|#34|#39);/g, (escaped, name) => letters[name] ?? escaped);
}
