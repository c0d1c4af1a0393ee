import { plain } from "../../ui/plain";
import { type Block, blocksOf } from "./blocks";
import classes from "./ChartFiles.module.css";

/** A README of strangers: its headings, code and lists as elements, all else as the text that it is. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className={classes.prose}>
      {blocksOf(plain(text)).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks repeat and never move
        <Part key={index} block={block} />
      ))}
    </div>
  );
}

function Part({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      return <h3>{block.text}</h3>;
    case "code":
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long code scrolls by keyboard too
        <pre className={classes.file} tabIndex={0}>
          {block.text}
        </pre>
      );
    case "list":
      return (
        <ul>
          {block.items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: items repeat and never move
            <li key={index}>{item}</li>
          ))}
        </ul>
      );
    default:
      return <p>{block.text}</p>;
  }
}
