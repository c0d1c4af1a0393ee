// Controls, and letters that nobody sees or that change how others are shown: directions, joiners, tags.
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text of strangers with all that it holds to be seen, so that it can't pass for another. Line ends and tabs stay. */
export function plain(text: string): string {
  return text.replace(hidden, (letter) =>
    "\n\r\t".includes(letter) ? letter : `‹U+${hexOf(letter)}›`,
  );
}

function hexOf(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}
