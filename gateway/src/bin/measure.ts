#!/usr/bin/env node
import { parseArgs } from "node:util";
import { z } from "zod";
import { measure, MeasurementError, type Measured } from "../calibration/measure.ts";

const USAGE = `measure --url <address> --model <name> --what <text> --cache-tokens <tokens>
        [--input <tokens,...>] [--output <tokens,...>] [--concurrency <requests,...>] [--rounds <requests>]

  Measures an idle replica of an engine in closed loops and prints the file that \`llmops calibrate --file\` reads.
  --url           address of the engine, for example http://claims-assistant.claims
  --model         name it serves
  --what          what is measured, for the reader: model, engine, GPUs
  --cache-tokens  tokens of the key-value cache, as the engine prints them at start
  --input         lengths of prompts; default 256,1024,4096
  --output        lengths of answers; default 64,256
  --concurrency   requests kept in flight; default 1,4,16,64
  --rounds        counted requests of each place in flight; default 3
  exit codes  0 measured, 1 the engine could not be measured, 2 wrong use
`;

const whole = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, { error: "must be a whole number above 0" })
  .transform(Number);
const list = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(whole).min(1));

const optionsSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: "must be an http or https address" })
    .transform((url) => url.replace(/\/$/, "")),
  model: z.string().min(1),
  what: z.string().min(1),
  "cache-tokens": whole,
  input: list.prefault("256,1024,4096"),
  output: list.prefault("64,256"),
  concurrency: list.prefault("1,4,16,64"),
  rounds: whole.prefault("3"),
});

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n${USAGE}`);
  process.exit(2);
}

function readOptions(): z.output<typeof optionsSchema> {
  const text = { type: "string" } as const;
  const { help, ...values } = ((): Record<string, string | boolean | undefined> => {
    try {
      return parseArgs({
        options: {
          url: text,
          model: text,
          what: text,
          "cache-tokens": text,
          input: text,
          output: text,
          concurrency: text,
          rounds: text,
          help: { type: "boolean" },
        },
      }).values;
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  })();
  if (help === true) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const parsed = optionsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  return refuse(
    parsed.error.issues.map(({ path, message }) => `--${path.map(String).join(".")}: ${message}`).join("\n"),
  );
}

const options = readOptions();
const loads = options.input.flatMap((inputTokens) =>
  options.output.flatMap((outputTokens) =>
    options.concurrency.map((concurrency) => ({ inputTokens, outputTokens, concurrency })),
  ),
);
const measurements: Measured[] = [];
try {
  for (const [index, load] of loads.entries()) {
    const measured = await measure(options, load, options.rounds);
    measurements.push(measured);
    const { inputTokens, outputTokens, concurrency, ttftMs, tpotMs } = measured;
    process.stderr.write(
      `${index + 1}/${loads.length}: ${inputTokens} + ${outputTokens} tokens, ${concurrency} in flight: first token ${ttftMs.toFixed(0)} ms, then ${tpotMs.toFixed(2)} ms each\n`,
    );
  }
} catch (error) {
  process.stderr.write(`error: ${error instanceof MeasurementError ? error.message : String(error)}\n`);
  process.exit(1);
}
process.stdout.write(
  `${JSON.stringify({
    what: options.what,
    asOf: new Date().toISOString().slice(0, 10),
    cacheTokens: options["cache-tokens"],
    measurements,
  })}\n`,
);
