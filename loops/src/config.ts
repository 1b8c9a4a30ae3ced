import { readFileSync } from "node:fs";
import { z } from "zod";

const rule = z.strictObject({
  /** PromQL with one series: how much the alert rests on. `$model` stands for the model. */
  samplesQuery: z.string().min(1),
  minSamples: z.int().min(1),
  cooldownMinutes: z.int().min(1),
  /** WorkflowTemplate that carries it out. */
  template: z.string().min(1),
  /** Models it may touch. */
  models: z.array(z.strictObject({ name: z.string().min(1), namespace: z.string().min(1) })),
});

const config = z.strictObject({
  port: z.int().min(0).max(65_535),
  /** `dry-run` decides and records, and changes nothing. */
  mode: z.enum(["act", "dry-run"]),
  /** File with the bearer token of Alertmanager. */
  tokenFile: z.string().min(1),
  evidence: z.strictObject({
    /** Signed records, one a line. */
    file: z.string().min(1),
    /** Ed25519 private key, PEM. */
    keyFile: z.string().min(1),
  }),
  prometheusUrl: z.url(),
  kubernetes: z.strictObject({
    url: z.url(),
    tokenFile: z.string().min(1),
    /** Namespace of the workflows. */
    namespace: z.string().min(1),
  }),
  loops: z.strictObject({ retrain: rule.optional(), rollback: rule.optional() }),
});

/** Configuration of the controller. */
export type LoopsConfig = z.output<typeof config>;

/** Form in which the platform writes it. */
export type LoopsConfigInput = z.input<typeof config>;

/** What one loop waits for. */
export type LoopRule = z.output<typeof rule>;

/** Name of a loop, as the label `action` of an alert. */
export type LoopName = keyof LoopsConfig["loops"];

/** The configuration cannot be used. */
export class LoopsConfigError extends Error {
  override readonly name = "LoopsConfigError";
}

/**
 * Checks a configuration.
 * @throws LoopsConfigError with every problem
 */
export function checkLoopsConfig(value: unknown): LoopsConfig {
  const parsed = config.safeParse(value);
  if (!parsed.success) throw new LoopsConfigError(z.prettifyError(parsed.error));
  return parsed.data;
}

/**
 * Reads a configuration file.
 * @throws LoopsConfigError when it cannot be read or is not valid
 */
export function readLoopsConfig(path: string): LoopsConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new LoopsConfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return checkLoopsConfig(value);
}
