import Handlebars from "handlebars";
import { PromptError, type Prompt, type Variable, type VariableValue } from "./prompt.ts";

/** Helpers a system prompt may use; dotprompt's `role`, `history` and `media` are for whole conversations. */
const HELPERS = new Set(["if", "unless"]);

class Names extends Handlebars.Visitor {
  readonly used = new Set<string>();
  readonly foreign = new Set<string>();

  override PathExpression(path: hbs.AST.PathExpression): void {
    if (path.data || path.depth > 0) this.foreign.add(path.original);
    else this.used.add(path.original);
  }

  override MustacheStatement(statement: hbs.AST.MustacheStatement): void {
    if (statement.params.length > 0) this.foreign.add(`{{${this.#nameOf(statement.path)} ...}}`);
    else super.MustacheStatement(statement);
  }

  override BlockStatement(block: hbs.AST.BlockStatement): void {
    const name = this.#nameOf(block.path);
    if (!HELPERS.has(name)) this.foreign.add(`{{#${name}}}`);
    this.acceptArray(block.params);
    this.accept(block.program);
    if ((block.inverse as hbs.AST.Program | undefined) !== undefined) this.accept(block.inverse);
  }

  override PartialStatement(partial: hbs.AST.PartialStatement): void {
    this.foreign.add(`{{> ${this.#nameOf(partial.name)}}}`);
  }

  #nameOf(expression: hbs.AST.Expression): string {
    return "original" in expression ? String(expression.original) : expression.type;
  }
}

/** What a template refers to. */
export interface TemplateNames {
  readonly variables: readonly string[];
  /** Constructs a system prompt cannot have: other helpers, partials, data of a conversation. */
  readonly foreign: readonly string[];
}

/**
 * Names a template uses.
 * @throws PromptError when it is no Handlebars template
 */
export function templateNames({ file, template }: Pick<Prompt, "file" | "template">): TemplateNames {
  const names = new Names();
  try {
    names.accept(Handlebars.parse(template));
  } catch (error) {
    throw new PromptError(`${file}: template: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { variables: [...names.used], foreign: [...names.foreign] };
}

function faultOf({ name, need, type }: Variable, value: VariableValue | undefined): string | undefined {
  if (value === undefined)
    return need === "required" ? `the variable '${name}' is required and has no value` : undefined;
  if (typeof type === "object")
    return type.enum.includes(value)
      ? undefined
      : `the variable '${name}' is '${String(value)}'; use one of ${type.enum.join(", ")}`;
  const fits = type === "integer" ? Number.isInteger(value) : typeof value === type;
  return fits ? undefined : `the variable '${name}' is '${String(value)}'; it must be of type ${type}`;
}

/** Why values do not fit the variables of a prompt; empty when they do. */
export function variableFaults(prompt: Prompt, given: Readonly<Record<string, VariableValue>>): string[] {
  const values = { ...prompt.defaults, ...given };
  const known = prompt.variables.map(({ name }) => name);
  return [
    ...Object.keys(given)
      .filter((name) => !known.includes(name))
      .map((name) => `the prompt has no variable '${name}'; it has ${known.join(", ") || "none"}`),
    ...prompt.variables.flatMap((variable) => faultOf(variable, values[variable.name]) ?? []),
  ];
}

/**
 * The system message with every variable filled in.
 * @throws PromptError for missing, unknown or wrong variables
 */
export function render(prompt: Prompt, given: Readonly<Record<string, VariableValue>> = {}): string {
  const faults = variableFaults(prompt, given);
  if (faults.length > 0) throw new PromptError(faults.map((fault) => `${prompt.file}: ${fault}`).join("\n"));
  const fill = Handlebars.compile(prompt.template, {
    noEscape: true,
    knownHelpersOnly: true,
    preventIndent: true,
  });
  return fill({ ...prompt.defaults, ...given });
}
