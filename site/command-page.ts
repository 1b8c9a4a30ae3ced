import { isAbsolute, join, relative } from "node:path";
import type { Argument, Command, Option } from "commander";

/** Root of the repository. */
export const ROOT = join(import.meta.dirname, "..");

/** Text inside a table of Markdown. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}

function defaultOf({ defaultValue, defaultValueDescription }: Option | Argument): string {
  // Where the repository lies differs from machine to machine.
  if (typeof defaultValue === "string" && isAbsolute(defaultValue))
    return `\`${relative(ROOT, defaultValue) || "."}\``;
  if (defaultValueDescription !== undefined) return defaultValueDescription;
  return defaultValue === undefined ? "" : `\`${JSON.stringify(defaultValue)}\``;
}

function row(name: string, description: string, isRequired: boolean, option: Option | Argument): string {
  const choices = option.argChoices === undefined ? "" : `; one of ${option.argChoices.join(", ")}`;
  return `| \`${cell(name)}\` | ${cell(`${description}${choices}`)} | ${isRequired ? "required" : cell(defaultOf(option))} |`;
}

function optionsOf(command: Command): string[] {
  const rows = [
    ...command.registeredArguments.map((each) => row(each.name(), each.description, each.required, each)),
    ...command.options.map((each) => row(each.flags, each.description, each.mandatory, each)),
  ];
  return rows.length === 0 ? [] : ["", "| Option | Meaning | Default |", "|---|---|---|", ...rows];
}

/** Every command below one that does something itself, with the words that call it. */
export function leavesOf(command: Command, before: readonly string[] = []): (readonly [string, Command])[] {
  const words = [...before, command.name()];
  return command.commands.length === 0
    ? [[words.join(" "), command] as const]
    : command.commands.flatMap((each) => leavesOf(each, words));
}

/** The reference of all commands, from their own descriptions. */
export function commandPage(program: Command): string {
  const commands = leavesOf(program).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${[
    "# Reference of commands",
    "",
    "Generated from the code by `npm run docs:reference -- --write`; `npm test` fails when it is out of date. [Commands](../cli.md) says what they",
    "are for; every one also has `--help`.",
    ...commands.flatMap(([words, command]) => [
      "",
      `## ${words}`,
      "",
      `${command.description()}.`,
      ...optionsOf(command),
    ]),
  ].join("\n")}\n`;
}
