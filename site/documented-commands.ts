import type { Command } from "commander";
import { allTokens, type Page } from "./markdown.ts";

/** A command line that a page shows. */
export interface DocumentedCommand {
  readonly page: string;
  /** Without the comment behind it. */
  readonly line: string;
}

/** Programs a page may tell a reader to start. */
const PROGRAM = /^(npx|npm|node|pulumi|kubectl|helm|docker|aws|gcloud|git|sh|bash|curl|pip|go)\s/;

/** Command lines in code blocks of a page: fenced as `sh`, or indented and starting with a program. */
export function documentedCommands(page: Page): DocumentedCommand[] {
  return allTokens(page).flatMap((token) => {
    if (token.type !== "code") return [];
    const isShell = token["lang"] === "sh";
    if (!isShell && token["codeBlockStyle"] !== "indented") return [];
    return String(token["text"])
      .replace(/\s*\\\n\s*/g, " ")
      .split("\n")
      .map((line) => line.replace(/\s+#\s.*$/, "").trim())
      .filter((line) => line !== "" && (isShell ? !line.startsWith("#") : PROGRAM.test(line)))
      .flatMap((line) => line.split(" && "))
      .map((line) => ({ page: page.path, line }));
  });
}

/**
 * Words of a command line.
 * @returns undefined where a shell would do more than split it: quotes, variables, pipes, redirections
 */
export function wordsOf(line: string): readonly string[] | undefined {
  return /["'`$|<>;&(){}*?]/.test(line) ? undefined : line.split(/\s+/);
}

/** Makes every command only read its words: known options and arguments pass, nothing is done. */
export function parsesOnly(command: Command): Command {
  command.action(() => undefined).configureOutput({ writeErr: () => undefined });
  command.commands.forEach(parsesOnly);
  return command;
}
