import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { abortRollout } from "../abort.ts";
import { readLoopsConfig } from "../config.ts";
import { Controller } from "../controller.ts";
import { EvidenceLog } from "../evidence.ts";
import { gate } from "../gate.ts";
import { propose } from "../propose.ts";
import { createLoopsServer } from "../server.ts";

const HELP = `loops serve --config=FILE
  takes alerts at POST /alerts, decides, records, starts workflows
loops gate --file=FILE --report=sha256:HEX|any --model=ID --prompt=ID|any --guardrails=ID|any --data-sets=ID|any
           --environment=STAGE --min-samples=N --max-age-days=N|any     (EVALUATION_SIGNER: public key, PEM)
  0 when the signed report admits exactly this version to traffic, 1 when not
loops abort --namespace=NAME --rollout=NAME                  (KUBERNETES_URL, KUBERNETES_TOKEN_FILE)
  aborts a delivery that is in progress
loops propose --kind=retrained|go-back --model=NAME --alert=NAME --reference=TEXT   (PROPOSAL_URL, PROPOSAL_TOKEN)
  asks a person to merge something
Exit codes: 0 fine, 1 refused, 2 could not run.`;

function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

function options<Shape extends z.ZodRawShape>(
  args: readonly string[],
  shape: Shape,
): z.output<z.ZodObject<Shape>> {
  const known = Object.fromEntries(Object.keys(shape).map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ args: [...args], options: known });
  const parsed = z.strictObject(shape).safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

const text = z.string().min(1);
const whole = z.coerce.number().int().min(1);

async function serve(args: readonly string[]): Promise<number> {
  const config = readLoopsConfig(options(args, { config: text }).config);
  const evidence = new EvidenceLog(config.evidence.file, readFileSync(config.evidence.keyFile, "utf8"));
  const token = readFileSync(config.tokenFile, "utf8").trim();
  const server = createLoopsServer(new Controller(config, evidence), token);
  server.listen(config.port, () => {
    say({ listening: server.address(), mode: config.mode, records: evidence.records.length });
  });
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  await new Promise((resolve) => server.close(resolve));
  return 0;
}

/** An option that may be left open, but only in so many words. */
function unlessAny<Name extends string>(name: Name, value: string): Partial<Record<Name, string>> {
  return value === "any" ? {} : ({ [name]: value } as Record<Name, string>);
}

function runGate(args: readonly string[]): number {
  const given = options(args, {
    file: text,
    report: text,
    model: text,
    prompt: text,
    guardrails: text,
    "data-sets": text,
    environment: z.enum(["local", "dev", "staging", "prod"]),
    "min-samples": whole,
    "max-age-days": z.union([z.literal("any"), whole]),
  });
  const verdict = gate(
    {
      file: given.file,
      ...unlessAny("report", given.report),
      wanted: {
        model: given.model,
        ...unlessAny("prompt", given.prompt),
        ...unlessAny("guardrails", given.guardrails),
        ...unlessAny("dataSets", given["data-sets"]),
      },
      environment: given.environment,
      minSamples: given["min-samples"],
      maxAgeDays: given["max-age-days"] === "any" ? Infinity : given["max-age-days"],
      signerPem: environment("EVALUATION_SIGNER"),
    },
    new Date(),
  );
  say(verdict);
  return verdict.kind === "admitted" ? 0 : 1;
}

async function abort(args: readonly string[]): Promise<number> {
  const { namespace, rollout } = options(args, { namespace: text, rollout: text });
  const access = { url: environment("KUBERNETES_URL"), tokenFile: environment("KUBERNETES_TOKEN_FILE") };
  say(await abortRollout(access, { namespace, name: rollout }));
  return 0;
}

async function proposeTo(args: readonly string[]): Promise<number> {
  const proposal = options(args, {
    kind: z.enum(["retrained", "go-back"]),
    model: text,
    alert: text,
    reference: text,
  });
  await propose({ url: environment("PROPOSAL_URL"), token: environment("PROPOSAL_TOKEN") }, proposal);
  say({ proposed: proposal });
  return 0;
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case "serve":
      return serve(args);
    case "gate":
      return runGate(args);
    case "abort":
      return abort(args);
    case "propose":
      return proposeTo(args);
    case "--help":
      process.stdout.write(`${HELP}\n`);
      return 0;
    case undefined:
    default:
      throw new Error(HELP);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
